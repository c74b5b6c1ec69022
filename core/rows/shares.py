"""One user's share in the hourly counts: their events on one item count a few times per day, whatever they do.

A history holds the newest day and how many events of that day were counted, by cell. A cell is all items whose hash
begins with the same eight bits. So an item that leaves the history by age, by ``remove`` or for newer items keeps its
number, and no user needs more than ``CELLS`` numbers.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from core.rows.sketch import BITS, murmur_hash
from schemas.event import DAY_MS

CELL_BITS = 8
CELLS = 1 << CELL_BITS
DAYS_NAMED, MOST_NAMED = 7, 10
CELL_OF_REGISTER = BITS - CELL_BITS  # bits by which a sketch's register is finer than a cell


def cell_of(item: str) -> int:
    """Return the cell that counts an item: the first bits of its hash."""
    return murmur_hash(item) >> 64 - CELL_BITS


def day_of(event_time: int, timestamp: int) -> int:
    """Return the day since 1970 whose share an event takes: a time ahead of its record's does not open a later day."""
    return min(event_time, timestamp) // DAY_MS


def last_days(as_of: int) -> Sequence[int]:
    """Return the days whose users are named: a week's, up to that of ``as_of``."""
    newest = as_of // DAY_MS
    return range(newest - DAYS_NAMED + 1, newest + 1)


def most_excess(days: Iterable[Mapping[bytes, int]], most: int = MOST_NAMED) -> list[tuple[str, int]]:
    """Return the users with the most excess on those days together, and how many; ties by name."""
    total = Counter[bytes]()
    for row in days:
        total.update(row)
    ordered = sorted(total.items(), key=lambda user: (-user[1], user[0]))[:most]
    return [(user.decode(), events) for user, events in ordered]
