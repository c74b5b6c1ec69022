"""Sums over the hourly counts of many hours, brought from one commit to the next by the hours that changed.

An answer would otherwise look at thousands of hours, most of them empty, after each commit.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field

from core.rows.codec import bucket_of_key
from core.rows.views import COUNTS
from recommenders.port import Ints
from serving_layer.memory.row_cache import RowCache
from serving_layer.merged.within_shares import Parts, of_segments
from serving_layer.reading.snapshot import Snapshot

Add = Callable[[Ints, Parts, int], Ints]  # a new column: that one with those counts added so many times
MOST_KEPT = 16  # columns, a number for each item: of the windows and half-lives that answers use


@dataclass(frozen=True)
class Reached:
    """What the segments count in some hours at one commit, and the column that was added up with it."""

    rows: RowCache
    attempt: int
    parts: Parts
    column: Ints

    def parts_at(self, snapshot: Snapshot, hours: Collection[int]) -> Parts | None:
        """Return the segments' counts at the snapshot's commit; None where what changed since is not known."""
        moment = snapshot.moment
        if moment is None or moment.rows is not self.rows:
            return None
        keys = self.rows.changed(COUNTS, self.attempt, moment.attempt)
        if keys is None:
            return None
        changed = [hour for hour in map(bucket_of_key, keys) if hour in hours]
        return {**self.parts, **of_segments(snapshot, changed)} if changed else self.parts


@dataclass
class RunningSums:
    """The newest column of each name, of one generation. Threads may share them."""

    generation: str | None
    _kept: "OrderedDict[Hashable, Reached]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(
        self, what: Hashable, snapshot: Snapshot, hours: Collection[int], of_generation: Callable[[], Ints], add: Add
    ) -> Ints:
        """Return the column over all codes: the generation's with the segments' counts of those hours added."""
        kept = self._kept.get(what)
        parts = None if kept is None else kept.parts_at(snapshot, hours)
        if kept is None or parts is None:
            parts = of_segments(snapshot, list(hours))
            column = add(of_generation(), parts, 1)
        else:
            column = _brought(kept, parts, add)
        moment = snapshot.moment
        if moment is not None and not snapshot.course.rows:
            with self._lock:
                self._kept[what] = Reached(moment.rows, moment.attempt, parts, column)
                self._kept.move_to_end(what)
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
        return column


def _brought(kept: Reached, parts: Parts, add: Add) -> Ints:
    gone, new = dict[int, list[bytes]](), dict[int, list[bytes]]()
    for hour, rows in parts.items():
        before = kept.parts.get(hour, [])
        if before is not rows:
            same = _shared(before, rows)
            gone[hour], new[hour] = before[same:], rows[same:]
    column = add(kept.column, gone, -1) if any(gone.values()) else kept.column
    return add(column, new, 1) if any(new.values()) else column


def _shared(before: list[bytes], now: list[bytes]) -> int:
    """Return how many parts both begin with: a commit mostly adds one to them."""
    pairs = enumerate(zip(before, now, strict=False))
    return next((k for k, (old, new) in pairs if old is not new), min(len(before), len(now)))


def running_of(snapshot: Snapshot) -> RunningSums:
    """Return the running sums of the snapshot's generation."""
    return snapshot.memory.kept(RunningSums)
