"""Items that are new: first counted, or first described by a catalogue record, in the last hours."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from adapters.records.books import NEW_ITEMS, NEW_ITEMS_KEY
from core.ranking.ranked import Ordered, by_newness
from core.ranking.scores import Window
from core.rows.catalogue_rows import times_of_newest
from core.rows.views import ITEMS
from recommenders.port import Ints
from schemas.catalogue import Item
from schemas.event import BUCKET_MS
from serving_layer.memory.row_cache import RowCache
from serving_layer.merged.catalogue import records_of
from serving_layer.merged.count_cache import Counts, cache_of, once_a_catalogue
from serving_layer.merged.running import Running, running_of
from serving_layer.reading.snapshot import Snapshot


@dataclass
class Silent:
    """The items described last that no event has named yet, of one generation. Threads may share it."""

    generation: str | None
    _kept: tuple[RowCache, int, bytes | None, Mapping[bytes, int]] | None = None

    def of(self, snapshot: Snapshot) -> Mapping[bytes, int]:
        """Return when each was described, epoch ms: the same mapping as before where nothing changed.

        Later commits can only name more of them, and only those items whose rows they change.
        """
        row = snapshot.catalogue(NEW_ITEMS, [NEW_ITEMS_KEY]).get(NEW_ITEMS_KEY)
        moment, kept = snapshot.moment, self._kept
        changed: Collection[bytes] | None = None
        if kept is not None and moment is not None and kept[0] is moment.rows and kept[2] == row:
            asked, changed = kept[3], moment.rows.changed(ITEMS, kept[1], moment.attempt)
        if changed is None:
            asked = {item.encode(): time for item, time in times_of_newest(row)}
            changed = asked
        named = snapshot.items([item for item in changed if item in asked])
        silent = {item: time for item, time in asked.items() if item not in named} if named else asked
        if moment is not None and not snapshot.course.rows:
            self._kept = moment.rows, moment.attempt, row, silent
        return silent


@dataclass
class Newest:
    """The newest list of each number of hours, of one generation, and what it follows from. Threads may share it."""

    generation: str | None
    _kept: dict[int, tuple[range, Ints, Mapping[bytes, int], Ordered]] = field(default_factory=dict)

    def of(self, snapshot: Snapshot, window: Window, first: Ints, silent: Mapping[bytes, int]) -> Ordered:
        """Return the items by newness; the same list as before where neither ``first`` nor ``silent`` changed.

        Args: first: at each code the first hour that counts it.
        """
        hours, kept = window.window, self._kept.get(len(window.window))
        if kept is not None and kept[0] == hours and kept[1] is first and kept[2] is silent:
            return kept[3]
        last, index = hours[-1], snapshot.index
        described = {item: min(time // BUCKET_MS, last) for item, time in silent.items()}
        codes = {index.code(item): hour for item, hour in described.items() if hour in hours}
        own = np.full(len(index), hours.stop)  # a copy: catalogue records are not counted in the sums
        own[: len(first)] = first
        for code, hour in codes.items():
            own[code] = min(own[code], hour)
        ordered = by_newness(own, hours, index, snapshot.views.kernels)
        if snapshot.moment is not None and not snapshot.course.rows:
            self._kept[len(hours)] = hours, first, silent, ordered
        return ordered


def newcomers(snapshot: Snapshot, hours: int) -> Ordered | None:
    """Return the items first counted in the last ``hours`` and not in the baseline before, the newest first.

    An item without any event counts from its first catalogue record on.
    """
    as_of = snapshot.facts.as_of
    if as_of is None:
        return None
    window = Window.ending(as_of, hours)

    def made() -> Ordered:
        first = _firsts(snapshot, range(window.baseline.start, window.window.stop))
        return snapshot.memory.kept(Newest).of(snapshot, window, first, _silent(snapshot))

    return once_a_catalogue(snapshot, ("newcomers", hours, window.window.stop), made)


def described_last(snapshot: Snapshot) -> Sequence[Item]:
    """Return the records of the items that were described last, computed once for all answers of a commit."""

    def made() -> Sequence[Item]:
        row = snapshot.catalogue(NEW_ITEMS, [NEW_ITEMS_KEY]).get(NEW_ITEMS_KEY)
        own = records_of(snapshot, [item.encode() for item, _ in times_of_newest(row)])
        return tuple(record for record in own if record is not None)

    return once_a_catalogue(snapshot, "described last", made)


def _silent(snapshot: Snapshot) -> Mapping[bytes, int]:
    return once_a_catalogue(snapshot, "silent", lambda: snapshot.memory.kept(Silent).of(snapshot))


def _firsts(snapshot: Snapshot, hours: range) -> Ints:
    """Return at each code the first of the hours that counts it, the range's end where none does.

    A commit only adds to counts, so what it changes can only make a first hour earlier.
    """
    what = ("first", hours)

    def add(first: Ints, counts: Counts) -> Ints:
        out, size = first, len(snapshot.index)
        for hour, codes, _ in counts:
            if out is first:
                known = codes[codes < len(first)]
                if len(known) == len(codes) and (first[known] <= hour).all():
                    continue
                out = np.full(size, hours.stop)
                out[: len(first)] = first
            out[codes] = np.minimum(out[codes], hour)
        return out

    def of_generation() -> Ints:
        parts = {hour: [row] for hour, row in snapshot.counts_of_generation(hours).items()}
        return add(np.full(len(snapshot.index), hours.stop), cache_of(snapshot).by_hour(parts, snapshot))

    def seen(first: Ints, _: Ints | None, __: Ints) -> Ints:
        return first

    running = Running(hours, lambda: cache_of(snapshot).of_generation(what, of_generation), add, seen)
    return running_of(snapshot).of(what, snapshot, running)
