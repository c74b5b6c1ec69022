"""Items that are new: first counted, or first described by a catalogue record, in the last hours."""

import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from adapters.records.books import NEW_ITEMS, NEW_ITEMS_KEY
from core.ranking.ranked import Ordered, by_newness
from core.ranking.scores import Window
from core.rows.catalogue_rows import times_of_newest
from core.rows.codec import bucket_of_key
from core.rows.views import COUNTS
from recommenders.port import Ints
from schemas.catalogue import Item
from schemas.event import BUCKET_MS
from serving_layer.memory.row_cache import RowCache
from serving_layer.merged.catalogue import records_of
from serving_layer.merged.counts import cache_of, once_a_commit
from serving_layer.reading.snapshot import Snapshot

Parts = dict[int, list[bytes]]  # bucket -> packed counts


@dataclass
class Silent:
    """The items described last that no event has named yet, of one generation. Threads may share it."""

    generation: str | None
    _kept: tuple[RowCache, int, bytes | None, Mapping[bytes, int]] | None = None

    def of(self, snapshot: Snapshot) -> Mapping[bytes, int]:
        """Return when each was described, epoch ms. Later commits can only name more of them."""
        row = snapshot.catalogue(NEW_ITEMS, [NEW_ITEMS_KEY]).get(NEW_ITEMS_KEY)
        moment, kept = snapshot.moment, self._kept
        goes_on = kept is not None and moment is not None and kept[0] is moment.rows and kept[1] <= moment.attempt
        if kept is not None and goes_on and kept[2] == row:
            asked = kept[3]
        else:
            asked = {item.encode(): time for item, time in times_of_newest(row)}
        named = snapshot.items(list(asked))
        silent = {item: time for item, time in asked.items() if item not in named}
        if moment is not None and not snapshot.course.rows:
            self._kept = moment.rows, moment.attempt, row, silent
        return silent


@dataclass
class Firsts:
    """At each code the first bucket of a range that counts the item, of one generation. Threads may share it.

    A commit only adds to counts, so what it changes can only make a first bucket earlier.
    """

    generation: str | None
    _kept: dict[range, tuple[RowCache, int, Ints]] = field(default_factory=dict)

    def of(self, snapshot: Snapshot, buckets: range, of_generation: Callable[[], Ints]) -> Ints:
        """Return the column at the snapshot's commit; the range's end where none of its buckets counts the item."""
        moment, kept = snapshot.moment, self._kept.get(buckets)
        hours: Sequence[int] = buckets
        known = None
        if kept is not None and moment is not None and kept[0] is moment.rows and kept[1] <= moment.attempt:
            keys = moment.rows.changed(COUNTS, kept[1], moment.attempt)
            if keys is not None:
                hours, known = [hour for hour in map(bucket_of_key, keys) if hour in buckets], kept[2]
        known = of_generation() if known is None else known
        first = _first(snapshot, known, snapshot.counts_of_segments(hours), buckets.stop)
        if moment is not None and not snapshot.course.rows:
            kept_ranges = {other: kept for other, kept in self._kept.items() if other.stop >= buckets.stop - 1}
            self._kept = {**kept_ranges, buckets: (moment.rows, moment.attempt, first)}
        return first


def newcomers(snapshot: Snapshot, hours: int) -> Ordered | None:
    """Return the items first counted in the last ``hours`` and not in the baseline before, the newest first.

    An item without any event counts from its first catalogue record on.
    """
    as_of = snapshot.facts.as_of
    if as_of is None:
        return None
    window = Window.ending(as_of, hours)
    buckets = range(window.baseline.start, window.window.stop)

    def of_generation() -> Ints:
        parts = {bucket: [row] for bucket, row in snapshot.counts_of_generation(buckets).items()}
        return _first(snapshot, np.zeros(0, np.int64), parts, buckets.stop)

    def made() -> Ordered:
        described = _described(snapshot, window.window)
        of_all = ("newcomers", hours, buckets.stop)
        first = snapshot.memory.kept(Firsts).of(
            snapshot, buckets, lambda: cache_of(snapshot).of_generation(of_all, of_generation)
        )
        first = first.copy()  # what is described is no part of the sums
        for code, bucket in described.items():
            first[code] = min(first[code], bucket)
        return by_newness(first, window.window, snapshot.index, snapshot.views.kernels)

    if snapshot.moment is None:  # nothing says whether the catalogue is the one of another answer
        return made()
    catalogue: Hashable = weakref.ref(snapshot.moment.catalogue)  # another one after each change of a record
    return once_a_commit(snapshot, ("newcomers", hours, buckets.stop, catalogue), made)


def described_last(snapshot: Snapshot) -> Sequence[Item]:
    """Return the records of the items that were described last, computed once for all answers of a commit."""

    def made() -> Sequence[Item]:
        row = snapshot.catalogue(NEW_ITEMS, [NEW_ITEMS_KEY]).get(NEW_ITEMS_KEY)
        own = records_of(snapshot, [item.encode() for item, _ in times_of_newest(row)])
        return tuple(record for record in own if record is not None)

    if snapshot.moment is None:
        return made()
    catalogue: Hashable = weakref.ref(snapshot.moment.catalogue)
    return once_a_commit(snapshot, ("described last", catalogue), made)


def _described(snapshot: Snapshot, hours: range) -> dict[int, int]:
    """Return the bucket in which each item without an event was described, by code; the last one for later times."""
    last = hours[-1]
    buckets = {item: min(time // BUCKET_MS, last) for item, time in snapshot.memory.kept(Silent).of(snapshot).items()}
    return {snapshot.index.code(item): bucket for item, bucket in buckets.items() if bucket in hours}


def _first(snapshot: Snapshot, known: Ints, parts: Parts, never: int) -> Ints:
    """Return at each code the first bucket that counts it, by what is known and those packed counts, else ``never``."""
    columns = {b: [cache_of(snapshot).columns(row, snapshot)[0] for row in rows] for b, rows in parts.items()}
    first = np.full(len(snapshot.index), never)
    first[: len(known)] = known
    for bucket, rows in columns.items():
        for codes in rows:
            first[codes] = np.minimum(first[codes], bucket)
    return first
