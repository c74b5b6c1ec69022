"""The lists that commits leave of the rows they wrote (``core.rows.touched``)."""

from adapters.records.books import SPEED, touched_space
from core.rows import touched
from core.rows.touched import unpack_touched
from schemas.control import Position
from serving_layer.reading.views import Views

MOST_TOUCHED = 200_000  # rows written since the last look; beyond, all are dropped
Touched = dict[str, list[bytes]]  # view -> keys


def touched_since(views: Views, since: int, position: Position) -> Touched | None:
    """Return by view the keys that the commits after that attempt wrote; None where that is unknown or too much."""
    if position.attempt - since >= touched.KEPT_ATTEMPTS:
        return None
    changes: Touched = {}
    count = 0
    for attempt in range(since + 1, position.attempt + 1):
        if not position.committed(attempt):
            continue
        lists = [row for _, row in views.speed.scan(SPEED, touched_space(position, attempt))]
        if not lists:
            return None
        for view, keys in map(unpack_touched, lists):
            changes.setdefault(view, []).extend(keys)
            count += len(keys)
        if count > MOST_TOUCHED:
            return None
    return changes
