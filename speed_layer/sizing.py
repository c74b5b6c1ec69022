"""How large the next micro-batch is, decided from the lag and from what the one before took.

A large micro-batch costs less per event, because a row is read and written once however many of its events it joins.
A small one commits sooner. While the speed layer keeps up, a micro-batch therefore takes all that waits. While it
catches up, micro-batches grow until one takes ``TARGET_SECONDS``. An answer or a stop then waits for a commit about
that long at most, and a crash repeats no more work than that.
"""

from dataclasses import dataclass

from schemas.control import Offsets

LEAST = 100_000  # records; a machine that is slow for a moment does not fall back to costly micro-batches
TARGET_SECONDS = 10.0
GROWTH = 4  # times the one before at most: rows that are few in a small micro-batch are many in a large one


@dataclass(frozen=True)
class Taken:
    """A micro-batch that was committed."""

    records: int
    seconds: float


def next_size(waiting: int, most: int, before: Taken | None) -> int:
    """Return how many records the next micro-batch takes of the ``waiting`` ones, from 1 to ``most``.

    Args: before: the last one of at least ``LEAST`` records, or None; smaller ones say little about large ones.
    """
    size = LEAST
    if before is not None:
        in_time = int(before.records * TARGET_SECONDS / max(before.seconds, 0.001))
        size = max(LEAST, min(in_time, GROWTH * before.records))
    return max(1, min(waiting, most, size))


def lag(start: Offsets, end: Offsets) -> int:
    """Return how many offsets follow ``start`` up to ``end``, in partitions that both name."""
    return sum(max(0, end[p] - offset) for p, offset in start.items() if p in end)


def cut(start: Offsets, end: Offsets, size: int) -> Offsets:
    """Return where ``size`` records after ``start`` end: each partition gives its share of its records to ``end``."""
    waiting = lag(start, end)
    if waiting <= size:
        return dict(end)
    out, behind = {}, 0
    for p in end:  # shares of a running sum, so that the parts add up to the size
        before, behind = behind, behind + end[p] - start[p]
        out[p] = start[p] + size * behind // waiting - size * before // waiting
    return out


@dataclass
class Sizing:
    """Cuts a range into micro-batches; ``most``: records of one (the setting ``max_events_per_batch``)."""

    most: int
    before: Taken | None = None

    def next_end(self, start: Offsets, end: Offsets) -> Offsets:
        """Return where the micro-batch that begins at ``start`` ends: at least one record further if ``end`` is."""
        return cut(start, end, next_size(lag(start, end), self.most, self.before))

    def took(self, records: int, seconds: float) -> None:
        """Note one that was committed."""
        if records >= min(LEAST, self.most):
            self.before = Taken(records, seconds)
