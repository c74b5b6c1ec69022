"""Hourly counts as columns of numbers, and what follows from them, kept between answers.

A busy shop's window and baseline are some hundred rows of ten thousand names each: unpacking and adding them name by
name took most of a second, in which the speed view moves on.
"""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from recommenders.port import Ints
from serving_layer.reading.snapshot import Snapshot

MOST_AMOUNTS = 4_000_000  # kept as columns: some 100 MB with their names
ROW_AMOUNTS = 25  # as many bytes as the objects that hold a row's columns
MOST_COLUMNS = 24  # of the generation alone
MOST_REMEMBERED = 64  # of what follows from the counts: an answer may be one commit behind
MOST_MADE = 64  # of one moment, which is found sooner

NOTHING = object()
Sums = tuple[Ints, Ints]  # codes and amounts
Counts = Sequence[tuple[int, Ints, Ints]]  # hours since the epoch, codes, amounts; an hour may come several times
T = TypeVar("T")


@dataclass
class CountCache:
    """For answers of one generation: numbers for names, packed rows as columns, and the generation's own sums."""

    generation: str | None
    _columns: "OrderedDict[bytes, Sums]" = field(default_factory=OrderedDict)
    _amounts: int = 0
    _columns_of_all: "OrderedDict[Hashable, Ints]" = field(default_factory=OrderedDict)
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

    def by_hour(self, parts: Mapping[int, Sequence[bytes]], snapshot: Snapshot) -> Counts:
        """Return the packed sums of those hours as columns."""
        return [(hour, *self.columns(row, snapshot)) for hour, rows in parts.items() for row in rows]

    def of_generation(self, what: Hashable, make: Callable[[], Ints]) -> Ints:
        """Return ``make()``, a column over all codes that follows from the generation's counts alone, kept a while."""
        with self._lock:
            if (kept := self._columns_of_all.get(what)) is not None:
                self._columns_of_all.move_to_end(what)
                return kept
        column = make()
        with self._lock:
            self._columns_of_all[what] = column
            while len(self._columns_of_all) > MOST_COLUMNS:
                self._columns_of_all.popitem(last=False)
        return column

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


def once_a_catalogue(snapshot: Snapshot, what: Hashable, make: Callable[[], T]) -> T:
    """Return what follows from the snapshot's sums and the catalogue's records, made once as ``once_a_commit`` does."""
    if snapshot.moment is None:  # nothing says whether the catalogue is the one of another answer
        return make()
    catalogue: Hashable = weakref.ref(snapshot.moment.catalogue)  # another one after each change of a record
    return once_a_commit(snapshot, (what, catalogue), make)


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


def cache_of(snapshot: Snapshot) -> CountCache:
    """Return what is kept of the counts of the snapshot's generation."""
    return snapshot.memory.kept(CountCache)
