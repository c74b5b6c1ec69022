"""Sums over the hourly counts of many hours, brought from one commit to the next by what it counted.

An answer would otherwise look at thousands of hours, most of them empty, after each commit.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from core.rows.codec import bucket_of_key
from core.rows.views import COUNTS
from recommenders.port import Ints
from serving_layer.memory.row_cache import RowCache
from serving_layer.merged.count_cache import Counts, Sums, cache_of, once_a_commit
from serving_layer.merged.within_shares import Parts, of_segments
from serving_layer.reading.snapshot import Snapshot

MOST_KEPT = 16  # columns, a number for each item: of the windows and half-lives that answers use
NO_CODES = np.zeros(0, np.int64)

V = TypeVar("V")


@dataclass(frozen=True)
class Running(Generic[V]):
    """A column over all codes that follows from the counts of some hours, and what readers see of it.

    ``of_generation``: the column of the generation's counts alone. ``add``: a new column, or the same one if nothing
    changes, that also has these counts. ``seen``: from the column, what was seen at an earlier commit, and the codes
    that were counted since; None: that is not known.
    """

    hours: range
    of_generation: Callable[[], Ints]
    add: Callable[[Ints, Counts], Ints]
    seen: Callable[[Ints, V | None, Ints], V]


@dataclass(frozen=True)
class Reached:
    """What the segments count in some hours at one commit, the column with it, and what readers saw of that."""

    rows: RowCache
    attempt: int
    parts: Parts
    column: Ints
    seen: Any

    def counted_since(self, snapshot: Snapshot, hours: range) -> tuple[Parts, Counts] | None:
        """Return the segments' counts at the snapshot's commit, and what it adds; None where that is not known."""
        moment = snapshot.moment
        if moment is None or moment.rows is not self.rows:
            return None
        changed = once_a_commit(snapshot, ("hours since", self.attempt), lambda: self._changed(moment.attempt))
        if changed is None:
            return None
        parts, counts = dict(self.parts), list[tuple[int, Ints, Ints]]()
        for hour in changed:
            if hour in hours:
                now, codes, amounts = self._hour(snapshot, hour)
                parts[hour] = now
                counts.append((hour, codes, amounts))
        return parts, counts

    def _changed(self, upto: int) -> list[int] | None:
        keys = self.rows.changed(COUNTS, self.attempt, upto)
        return None if keys is None else [*map(bucket_of_key, keys)]

    def _hour(self, snapshot: Snapshot, hour: int) -> tuple[list[bytes], Ints, Ints]:
        """Return the hour's parts, and what they count beyond those before; found once for all columns."""

        def made() -> tuple[list[bytes], Ints, Ints]:
            before, now = self.parts.get(hour, []), of_segments(snapshot, [hour]).get(hour, [])
            same = _shared(before, now)
            return now, *_difference(snapshot, before[same:], now[same:])

        return once_a_commit(snapshot, ("counted since", self.attempt, hour), made)


@dataclass
class RunningSums:
    """The newest column of each name, of one generation. Threads may share them."""

    generation: str | None
    _kept: "OrderedDict[Hashable, Reached]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, what: Hashable, snapshot: Snapshot, running: Running[V]) -> V:
        """Return what readers see of the column at the snapshot's commit."""
        kept = self._kept.get(what)
        since = None if kept is None else kept.counted_since(snapshot, running.hours)
        if kept is None or since is None:
            parts = of_segments(snapshot, running.hours)
            column = running.add(running.of_generation(), cache_of(snapshot).by_hour(parts, snapshot))
            seen = running.seen(column, None, NO_CODES)
        else:
            parts, counts = since
            column = running.add(kept.column, counts) if counts else kept.column
            seen = kept.seen if column is kept.column else running.seen(column, kept.seen, _codes(counts))
        moment = snapshot.moment
        if moment is not None and not snapshot.course.rows:
            with self._lock:
                self._kept[what] = Reached(moment.rows, moment.attempt, parts, column, seen)
                self._kept.move_to_end(what)
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
        return seen


def _shared(before: Sequence[bytes], now: Sequence[bytes]) -> int:
    """Return how many parts both begin with: a commit mostly adds one to them."""
    pairs = enumerate(zip(before, now, strict=False))
    return next((k for k, (old, new) in pairs if old is not new), min(len(before), len(now)))


def _difference(snapshot: Snapshot, gone: Sequence[bytes], new: Sequence[bytes]) -> Sums:
    """Return what the new parts count beyond those that are gone; each code once, amounts of 0 among them."""
    cache = cache_of(snapshot)
    if not gone and len(new) == 1:
        return cache.columns(new[0], snapshot)
    columns = [(codes, -amounts) for codes, amounts in (cache.columns(part, snapshot) for part in gone)]
    columns += [cache.columns(part, snapshot) for part in new]
    if not columns:
        return NO_CODES, NO_CODES
    codes, at = np.unique(np.concatenate([codes for codes, _ in columns]), return_inverse=True)
    sums = np.zeros(len(codes), np.int64)
    np.add.at(sums, at, np.concatenate([amounts for _, amounts in columns]))
    return codes, sums


def _codes(counts: Counts) -> Ints:
    """Return all codes of those counts, each once."""
    return counts[0][1] if len(counts) == 1 else np.unique(np.concatenate([codes for _, codes, _ in counts]))


def running_of(snapshot: Snapshot) -> RunningSums:
    """Return the running sums of the snapshot's generation."""
    return snapshot.memory.kept(RunningSums)
