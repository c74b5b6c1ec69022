"""The lists that commits leave of the rows they wrote (``core.rows.touched``)."""

from collections.abc import Iterable

from adapters.records.books import SPEED, touched_space
from core.rows import touched
from core.rows.touched import Touched, unpack_touched
from core.rows.views import VIEWS
from serving_layer.memory.moment import Moment
from serving_layer.reading.views import Views

MOST_TOUCHED = 200_000  # rows written since the last look; beyond, all are dropped
UNNAMED: list[bytes] = []  # in the place of what was added to a row that no list named so far
# View -> key -> what the commits added to the row, in their order; None where a list does not say it.
Changed = dict[str, dict[bytes, list[bytes] | None]]


def touched_since(views: Views, since: int, moment: Moment) -> Changed | None:
    """Return what the commits after that attempt changed, up to the moment; None where that is unknown or too much.

    Changes of segments that do not count at the moment are left out; their rows are named all the same.
    """
    position = moment.position
    if position is None or position.attempt - since >= touched.KEPT_ATTEMPTS:
        return None
    changed: Changed = {}
    count = 0
    for attempt in range(since + 1, position.attempt + 1):
        if not position.committed(attempt):
            continue
        lists = [unpack_touched(row) for _, row in views.speed.scan(SPEED, touched_space(position, attempt))]
        if not lists:
            return None
        _add(changed, lists, moment.segments)
        count += sum(len(listed.keys) for listed in lists)
        if count > MOST_TOUCHED:
            return None
    return changed


def _add(changed: Changed, lists: Iterable[Touched], counted: Iterable[int]) -> None:
    """Add what the lists of one attempt say, those of earlier segments first.

    Each row of a segment is changed once in an attempt, however many lists name it: a task may have run twice.
    """
    parts: dict[tuple[str, int], dict[bytes, bytes]] = {}
    for view, keys, carried in lists:
        if carried is None:
            changed.setdefault(view, {}).update(dict.fromkeys(keys))
        else:
            parts.setdefault((view, carried.segment), {}).update(zip(keys, carried.changes, strict=True))
    for (view, segment), changes in sorted(parts.items()):
        own, counts = changed.setdefault(view, {}), not VIEWS[view].segmented or segment in counted
        for key, change in changes.items():
            known = own.get(key, UNNAMED)
            if known is UNNAMED:
                own[key] = [change] if counts else []
            elif known is not None and counts:
                known.append(change)
