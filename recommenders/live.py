"""A log in memory that is lived through event by event: the sums that serving would read before each event.

Evaluation and the fit of a blend ask scorers so. The part before the walk is folded at once by the compiled fold, each
later event by the readable one, and a test holds both to ``cohort``.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np

from core.codes.item_index import ItemIndex
from core.quality.ranking_quality import Interactions, Mask
from core.ranking.columns import NOBODY, Columns
from core.ranking.decay import faded, hours_of
from core.ranking.kernels import READABLE, Kernels
from core.ranking.neighbours import Neighbours
from core.ranking.ranked import Ordered, Ranked, by_newness, by_units, trends
from core.ranking.scores import Window, WindowCounts, has_trend
from core.ranking.shelves import ByLabel, Labels, Shelves, most_popular
from core.rows.codec import History, HistoryEntry
from recommenders.cohort import folded
from recommenders.live_histories import LiveHistories
from recommenders.port import Ints, Question, Rated
from schemas.catalogue import Item
from schemas.event import BUCKET_MS
from schemas.rules import Rules

T = TypeVar("T")


class LiveSums:
    """``recommenders.port.Sums`` of the first ``reached`` events, which only grows; for one thread."""

    def __init__(
        self,
        events: Interactions,
        rules: Rules,
        names: Sequence[bytes],
        begin: int,
        shrinkage: float = 0.0,
        kernels: Kernels = READABLE,
    ) -> None:
        """Fold the first ``begin`` events; ``names``: of the items, by code, ascending."""
        self.events, self.reached, self.shrinkage, self.kernels = events, begin, shrinkage, kernels
        self.index = ItemIndex(names)
        fold = folded(events.before(begin), rules)
        self._norm, self._pair = fold.norm, fold.pair.sorted_indices()
        self._later: dict[int, dict[int, int]] = {}  # co-ratings that no row holds yet, by item and neighbour
        self._histories = LiveHistories.of(fold, events.before(begin), rules)
        self._rated, self._enters = events.weight > 0, events.counted(rules.counted_per_day)
        self._bucket = events.time // BUCKET_MS
        self._neighbours: dict[int, Neighbours] = {}
        self._columns: dict[Hashable, tuple[int, int, Ints]] = {}  # what is counted: stop, reached, by item
        self._lists: dict[Hashable, tuple[int, int, Ordered]] = {}  # stop, reached, the items in order
        self._kept: dict[Hashable, Any] = {}

    def advance(self, end: int) -> None:
        """Fold the events below ``end`` too."""
        events = self.events
        for at in range(self.reached, end):
            user, item, weight, time = (
                int(column[at]) for column in (events.user, events.item, events.weight, events.time)
            )
            norm, pairs = self._histories.take(user, item, weight, time)
            self._norm[item] += norm
            for other, amount in pairs:
                for one, two in ((item, other), (other, item)):
                    row = self._later.setdefault(one, {})
                    row[two] = row.get(two, 0) + amount
        if end > self.reached:
            self.reached = end
            self._kept.clear()

    def question(self, user: int) -> Question:
        """Return what serving would ask for this user now."""
        names, own = self.index.names, self._histories.entries(user)
        entries = tuple(HistoryEntry(names[item], rating, time) for item, (rating, time) in own.items())
        standing = self._histories.standing(user)
        ratings, touches = np.array(list(standing.values()), np.int64).reshape(-1, 2).T
        rated = Rated(np.array(list(standing), np.int64), ratings, touches)
        return Question(History(entries), self, standing=rated)

    @property
    def as_of(self) -> int | None:
        """The time of the newest event, epoch ms; events come in order of time."""
        return int(self.events.time[self.reached - 1]) if self.reached else None

    def nearest(self, items: Ints, most: int, also: int = NOBODY) -> Sequence[Neighbours]:
        return [self._row(code).nearest(most, also) for code in items.tolist()]

    def _row(self, code: int) -> Neighbours:
        row, later = self._neighbours.get(code), self._later.pop(code, None)
        if row is None:
            part = slice(*self._pair.indptr[code : code + 2])
            row = Neighbours(self._pair.indices[part].astype(np.int64), self._pair.data[part])
        elif later is None:
            return row
        row = self._neighbours[code] = row if later is None else self._joined(row, later)
        return row

    def _joined(self, row: Neighbours, later: dict[int, int]) -> Neighbours:
        """Return the row with those co-ratings added; its codes ascend."""
        added, more = np.array(sorted(later.items()), np.int64).T
        at = np.searchsorted(row.codes, added)
        known = np.zeros(len(added), np.bool_)
        inside = at < len(row.codes)
        known[inside] = row.codes[at[inside]] == added[inside]
        codes, amounts = row.codes, row.amounts.copy()
        amounts[at[known]] += more[known]
        gone = not amounts[at[known]].all()
        if not known.all():
            codes, amounts = np.insert(codes, at[~known], added[~known]), np.insert(amounts, at[~known], more[~known])
            gone = gone or not more.all()
        if gone:
            left = amounts != 0
            codes, amounts = codes[left], amounts[left]
        return Neighbours(codes, amounts)

    def norms(self, items: Ints) -> Ints:
        return self._norm[items]

    def labels(self, items: Ints) -> Labels:
        own, known = self.events.labels, len(self.events.labels)
        return [own[code] if code < known else () for code in items.tolist()]  # a model may know further items

    def records(self, items: Ints) -> Sequence[Item | None]:
        own = self.events.records
        return [own[code] for code in items.tolist()] if own else [None] * len(items)

    def described_last(self) -> Sequence[Item]:
        return ()

    def shelves(self, half_life_hours: float) -> Shelves:
        return self.once(
            ("shelves", half_life_hours), lambda: Shelves(most_popular(self.decayed(half_life_hours)), self._by_label)
        )

    @cached_property
    def _by_label(self) -> ByLabel:
        return ByLabel.of(self.events.labels)

    def decayed(self, half_life_hours: float) -> Ordered | None:
        what = "decayed", half_life_hours

        def made() -> Ordered:
            return self._carried(what, by_units(self._units_of(half_life_hours), self.index, self.kernels))

        return None if self.as_of is None else self.once(what, made)

    def newcomers(self, hours: int) -> Ordered | None:
        return self.once(("newcomers", hours), lambda: self._newcomers(hours))

    def _newcomers(self, hours: int) -> Ordered | None:
        if self.as_of is None:
            return None
        window, what = Window.ending(self.as_of, hours), ("newcomers", hours)

        def add(first: Ints, begin: int) -> None:
            item, bucket = self._counted(window.baseline.start, begin, of=self._rated)
            item, bucket = item[::-1], bucket[::-1]  # of an item named twice the last counts, which is its earliest
            first[item] = np.minimum(first[item], bucket)

        first = self._of_hour(what, window.window.stop, add)
        return self._carried(what, by_newness(first, window.window, self.index, self.kernels))

    def rising(self, hours: int) -> Ranked | None:
        return self.once(("rising", hours), lambda: self._rising(hours))

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        if what not in self._kept:
            self._kept[what] = make()
        return cast(T, self._kept[what])

    def _rising(self, hours: int) -> Ranked | None:
        if self.as_of is None:
            return None
        window = Window.ending(self.as_of, hours)

        def within(name: str) -> Ints:
            part: range = getattr(window, name)

            def add(counts: Ints, begin: int) -> None:
                item, bucket = self._counted(part.start, begin)
                counts += np.bincount(item[bucket < part.stop], minlength=len(counts))

            return self._of_hour(("rising", hours, name), 0, add)

        counts = WindowCounts(self.index, *(within(name) for name in ("window", "baseline", "before")))
        oldest = int(self._bucket[int(self._rated.argmax())])
        return trends(counts, self.kernels) if has_trend(counts, window, oldest) else None

    def _counted(self, first_bucket: int, begin: int = 0, of: Mask | None = None) -> tuple[Ints, Ints]:
        """Return item and bucket of the events from that bucket and ``begin`` on; ``of``: those in users' shares."""
        start = max(begin, int(np.searchsorted(self._bucket[: self.reached], first_bucket)))
        part = slice(start, self.reached)
        counted = (self._enters if of is None else of)[part]
        return self.events.item[part][counted], self._bucket[part][counted]

    def _units_of(self, half_life_hours: float) -> Ints:
        hours, worth = hours_of(half_life_hours, self._stop - 1), faded(half_life_hours)

        def add(units: Ints, begin: int) -> None:
            item, bucket = self._counted(hours.start, begin)
            worth_of = worth[hours.stop - 1 - bucket]
            if begin:
                np.add.at(units, item, worth_of)
            else:  # faster for many; exact below 2^53
                units += np.bincount(item, worth_of, len(units)).astype(np.int64)

        return self._of_hour(("units", half_life_hours), 0, add)

    @property
    def _stop(self) -> int:
        """The hour after that of the newest event."""
        return int(self._bucket[self.reached - 1]) + 1

    def _of_hour(self, what: Hashable, default: int, add: Callable[[Ints, int], None]) -> Ints:
        """Return a column over all items; ``add`` adds the events from a number on to it, all of them in a new hour."""
        stop, begin, column = self._columns.get(what, (0, 0, self._norm))
        if stop == self._stop:
            column = column.copy()  # answers may hold it
        else:
            begin, column = 0, np.full(len(self.index), default, np.int64)
        add(column, begin)
        self._columns[what] = self._stop, self.reached, column
        return column

    def _carried(self, what: Hashable, ranked: Ordered) -> Ordered:
        """Return the list, which takes over what is sorted of the last one of the same hour."""
        stop, reached, before = self._lists.get(what, (0, 0, ranked))
        if stop == self._stop:
            changed = self.once(("changed", reached), lambda: np.unique(self.events.item[reached : self.reached]))
            codes, scores = ranked.scored  # ascending by code
            at = np.searchsorted(codes, changed)
            listed = np.zeros(len(changed), np.bool_)
            inside = at < len(codes)
            listed[inside] = codes[at[inside]] == changed[inside]
            now = np.zeros(len(changed))
            now[listed] = scores[at[listed]]
            ranked.begin_with(before, Columns(changed, now))
        self._lists[what] = self._stop, self.reached, ranked
        return ranked
