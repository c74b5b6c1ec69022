"""Hourly counts added up over a window, fast: rows as columns of numbers, and what never changes kept in memory.

A busy shop's window and baseline are some hundred rows of ten thousand names each: unpacking and adding them name by
name took most of a second, in which the speed view moves on.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np

from core.ranking import ranked
from core.ranking.columns import Columns
from core.ranking.decay import faded, hours_of, in_counts
from core.ranking.ranked import Ordered, Ranked, by_units
from core.ranking.scores import Window, WindowCounts
from recommenders.port import Ints
from schemas.event import BUCKET_MS
from serving_layer.merged import within_shares
from serving_layer.merged.running import running_of
from serving_layer.reading.snapshot import Snapshot

MOST_AMOUNTS = 4_000_000  # kept as columns: some 100 MB with their names
ROW_AMOUNTS = 25  # as many bytes as the objects that hold a row's columns
MOST_WINDOWS = 16  # whose sums over a generation are kept
MOST_REMEMBERED = (
    32  # of what follows from the counts: five for each window or half-life, and an answer may be one commit behind
)
MOST_MADE = 64  # of one moment, which is found sooner

NOTHING = object()
Sums = tuple[Ints, Ints]  # codes and amounts
T = TypeVar("T")


@dataclass
class CountCache:
    """For answers of one generation: numbers for names, packed rows as columns, and the generation's own sums."""

    generation: str | None
    _columns: "OrderedDict[bytes, Sums]" = field(default_factory=OrderedDict)
    _amounts: int = 0
    _sums: "OrderedDict[Window, Ints]" = field(default_factory=OrderedDict)
    _columns_of_all: "OrderedDict[Hashable, Ints]" = field(default_factory=OrderedDict)
    _ordered: "OrderedDict[Hashable, tuple[Ints, Ordered]]" = field(default_factory=OrderedDict)
    _remembered: "OrderedDict[Hashable, object]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def columns(self, packed: bytes, snapshot: Snapshot) -> Sums:
        """Return the codes of the names and the amounts of packed sums; what was used last is kept."""
        with self._lock:
            if columns := self._columns.get(packed):
                self._columns.move_to_end(packed)
                return columns
            columns = snapshot.views.kernels.summed_parts([packed], snapshot.index)
            self._columns[packed] = columns
            self._amounts += ROW_AMOUNTS + len(columns[0])
            while self._amounts > MOST_AMOUNTS:
                self._amounts -= ROW_AMOUNTS + len(self._columns.popitem(last=False)[1][0])
            return columns

    def sums(self, snapshot: Snapshot, window: Window) -> Ints:
        """Return the generation's sums, which never change: shape (3, names so far), as ``WindowCounts`` has them."""
        if (kept := self._sums.get(window)) is not None:
            return kept
        parts = within_shares.of_generation(snapshot, _buckets(window))
        table = self.add(np.zeros((3, 0), np.int64), parts, window, snapshot)
        with self._lock:
            self._sums[window] = table
            while len(self._sums) > MOST_WINDOWS:
                self._sums.popitem(last=False)
        return table

    def add(
        self, table: Ints, parts: dict[int, list[bytes]], window: Window, snapshot: Snapshot, times: int = 1
    ) -> Ints:
        """Return a new table: that one with the packed sums of those buckets added so many times."""
        columns = {bucket: [self.columns(row, snapshot) for row in rows] for bucket, rows in parts.items()}
        out = np.zeros((3, len(snapshot.index)), np.int64)
        out[:, : table.shape[1]] = table
        for bucket, rows in columns.items():
            for place, part in enumerate((window.window, window.baseline, window.before)):
                if bucket in part:
                    for codes, amounts in rows:
                        out[place, codes] += times * amounts  # a packed row names nothing twice
        return out

    def of_generation(self, what: Hashable, make: Callable[[], Ints]) -> Ints:
        """Return ``make()``, a column over all codes that follows from the generation's counts alone, kept a while."""
        with self._lock:
            if (kept := self._columns_of_all.get(what)) is not None:
                self._columns_of_all.move_to_end(what)
                return kept
        column = make()
        with self._lock:
            self._columns_of_all[what] = column
            while len(self._columns_of_all) > MOST_WINDOWS:
                self._columns_of_all.popitem(last=False)
        return column

    def add_units(
        self, units: Ints, parts: dict[int, list[bytes]], half_life_hours: float, stop: int, snapshot: Snapshot,
        times: int = 1,
    ) -> Ints:  # fmt: skip
        """Return new units: those with the packed sums of those buckets added, each worth what its age leaves."""
        worth = (times * faded(half_life_hours)).tolist()
        columns = {bucket: [self.columns(row, snapshot) for row in rows] for bucket, rows in parts.items()}
        out = np.zeros(len(snapshot.index), np.int64)
        out[: len(units)] = units
        for bucket, rows in columns.items():
            for codes, amounts in rows:
                out[codes] += amounts * worth[stop - 1 - bucket]  # a packed row names nothing twice
        return out

    def ordered(self, what: Hashable, units: Ints, snapshot: Snapshot) -> Ordered:
        """Return the items by their units; what was sorted of the last such list is not sorted again."""
        ranked, before = by_units(units, snapshot.index, snapshot.views.kernels), self._ordered.get(what)
        if before is not None and len(before[0]) <= len(units):
            changed = _different(before[0], units)
            ranked.begin_with(before[1], Columns(changed, in_counts(units[changed])))
        with self._lock:
            self._ordered[what] = units, ranked
            while len(self._ordered) > MOST_WINDOWS:
                self._ordered.popitem(last=False)
        return ranked

    def remembered(self, what: Hashable) -> object:
        """Return what was remembered under that name, ``NOTHING`` where nothing was."""
        with self._lock:
            if what in self._remembered:
                self._remembered.move_to_end(what)
            return self._remembered.get(what, NOTHING)

    def remember(self, made: Mapping[Hashable, object]) -> None:
        """Keep these for other answers; the least used go first."""
        with self._lock:
            self._remembered.update(made)
            while len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)


def once_a_commit(snapshot: Snapshot, what: Hashable, make: Callable[[], T]) -> T:
    """Return what follows from the snapshot's sums alone: made for the first of all answers that see the same ones.

    A position names them: within one life of it an attempt is committed once, and what counts then does not change.
    """
    moment = snapshot.moment
    if moment is not None and (kept := moment.made.get(what, NOTHING)) is not NOTHING:
        return cast(T, kept)
    value = _once_a_commit(snapshot, what, make)
    if moment is not None and not snapshot.course.rows and len(moment.made) < MOST_MADE:
        moment.made[what] = value
    return value


def _once_a_commit(snapshot: Snapshot, what: Hashable, make: Callable[[], T]) -> T:
    at = snapshot.position
    seen = None if at is None else (at.epoch, at.life, at.attempt, snapshot.segments)
    key, own = (seen, what), snapshot.course.made
    made = own[key] if key in own else cache_of(snapshot).remembered(key)
    if made is not NOTHING:
        return cast(T, made)
    value = make()
    if snapshot.course.rows:  # read in this answer, and right only if the answer is confirmed
        if not own:
            snapshot.course.confirmed.append(lambda: cache_of(snapshot).remember(own))
        own[key] = value
    else:
        cache_of(snapshot).remember({key: value})
    return value


def window_counts(snapshot: Snapshot, window: Window) -> WindowCounts:
    """Return the merged counts of a window and its baseline; 0 for items that occur elsewhere."""

    def added() -> WindowCounts:
        cache = cache_of(snapshot)

        def add(table: Ints, parts: dict[int, list[bytes]], times: int) -> Ints:
            return cache.add(table, parts, window, snapshot, times)

        table = running_of(snapshot).of(window, snapshot, _buckets(window), lambda: cache.sums(snapshot, window), add)
        return WindowCounts(snapshot.index, *table)

    return once_a_commit(snapshot, window, added)


def trends(snapshot: Snapshot, window: Window) -> Ranked:
    """Return the growing items, best first, for a window that has a trend."""
    return once_a_commit(
        snapshot, ("trends", window), lambda: ranked.trends(window_counts(snapshot, window), snapshot.views.kernels)
    )


def popular(snapshot: Snapshot, window: Window) -> Ranked:
    """Return the items by frequency in the window."""
    return once_a_commit(
        snapshot, ("popular", window), lambda: ranked.popular(window_counts(snapshot, window), snapshot.views.kernels)
    )


def decayed(snapshot: Snapshot, half_life_hours: float) -> Ordered | None:
    """Return the items by their merged counts, which halve with each half-life; None while nothing was counted."""
    as_of = snapshot.facts.as_of
    if as_of is None:
        return None
    stop = as_of // BUCKET_MS + 1

    def made() -> Ordered:
        cache, buckets = cache_of(snapshot), hours_of(half_life_hours, stop - 1)

        def of_generation() -> Ints:
            parts = within_shares.of_generation(snapshot, buckets)
            return cache.add_units(np.zeros(0, np.int64), parts, half_life_hours, stop, snapshot)

        def add(units: Ints, parts: dict[int, list[bytes]], times: int) -> Ints:
            return cache.add_units(units, parts, half_life_hours, stop, snapshot, times)

        units = running_of(snapshot).of(what, snapshot, buckets, lambda: cache.of_generation(what, of_generation), add)
        return cache.ordered(what, units, snapshot)

    what = ("decayed", half_life_hours, stop)
    return once_a_commit(snapshot, what, made)


def cache_of(snapshot: Snapshot) -> CountCache:
    """Return what is kept of the counts of the snapshot's generation."""
    return snapshot.memory.kept(CountCache)


def _different(before: Ints, now: Ints) -> Ints:
    """Return the codes at which the column now differs from an earlier one, which may be shorter."""
    same = len(before)
    return np.concatenate([np.flatnonzero(before != now[:same]), same + np.flatnonzero(now[same:])])


def _buckets(window: Window) -> list[int]:
    return [*window.window, *window.baseline]
