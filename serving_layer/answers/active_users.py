"""Users who did something lately, so that a person has somebody to look at."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from adapters.records.books import SPEED, generation_book, touched_space
from core.rows.touched import unpack_touched
from core.rows.views import HISTORY
from serving_layer.reading.patience import reading
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import BATCH, SPEED_SIDE

MOST_COMMITS = 64  # whose lists of written rows are read


def active_users(snapshot: Snapshot, most: int) -> dict[str, Any]:
    """Return users of the last commits, the latest first, then any of the generation; not more than ``most``."""
    names = dict.fromkeys(islice(_of_commits(snapshot), most))
    if len(names) < most:
        names |= dict.fromkeys(islice(_of_generation(snapshot), most))
    return {**snapshot.header(), "users": [{"user_id": name.decode()} for name in islice(names, most)]}


def _of_commits(snapshot: Snapshot) -> Iterator[bytes]:
    position = snapshot.position
    if position is None:
        return
    for attempt in range(position.attempt, max(0, position.attempt - MOST_COMMITS), -1):
        with reading(SPEED_SIDE):
            lists = list(snapshot.views.speed.scan(SPEED, touched_space(position, attempt)))
        for touched in (unpack_touched(row) for _, row in lists):
            if touched.view == HISTORY and position.committed(attempt):
                yield from touched.keys


def _of_generation(snapshot: Snapshot) -> Iterator[bytes]:
    if snapshot.generation is None:
        return
    with reading(BATCH):
        yield from (key for key, _ in snapshot.views.batch.scan(generation_book(snapshot.generation), HISTORY))
