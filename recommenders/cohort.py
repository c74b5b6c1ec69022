"""Many users at once, as evaluation asks: the fold of a past over codes, with the sums that serving would read."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar, cast

import numpy as np

from core.codes.item_index import ItemIndex
from core.quality.ranking_quality import Interactions, Mask
from core.ranking.columns import NOBODY
from core.ranking.decay import faded
from core.ranking.kernels import READABLE, Kernels
from core.ranking.neighbours import Neighbours
from core.ranking.ranked import Ordered, Ranked, by_newness, by_units, trends
from core.ranking.scores import Window, WindowCounts, has_trend
from core.ranking.shelves import ByLabel, Labels, Shelves, most_popular
from core.rows.codec import History, HistoryEntry
from recommenders.port import CohortScorer, Floats, Ints, Question, Rated, Scorer, Standing
from schemas.catalogue import Item
from schemas.event import BUCKET_MS, WEIGHT_SCALE
from schemas.rules import Rules

T = TypeVar("T")


@dataclass(frozen=True)
class Folded:
    """The fold's sums and histories: ``norm`` (items,) and ``pair`` (items, items) in thousandths.

    ``user``, ``item``, ``rating`` (thousandths), ``time`` (epoch ms), ``steps``: the entries of all histories, user by
    user, least recently touched first; 0 steps back is the item touched last.
    """

    norm: Ints
    pair: Any  # csr_matrix
    user: Ints
    item: Ints
    rating: Ints
    time: Ints
    steps: Ints

    users: int

    def histories(self, decay: float) -> Any:
        """Return the rating in units times ``decay`` for each step back, shape (users, items), sparse."""
        from scipy.sparse import csr_matrix

        weight = self.rating / WEIGHT_SCALE * decay**self.steps
        return csr_matrix((weight, (self.user, self.item)), shape=(self.users, len(self.norm)))


def folded(events: Interactions, rules: Rules) -> Folded:
    """Fold the events from empty histories by the fold of both layers; no event counts as a duplicate here."""
    from scipy.sparse import csr_matrix

    from core.fold.kernel import fold_kernel  # compiled code takes longer to import than a whole lookup

    order = np.argsort(events.user, kind="stable")
    starts = np.searchsorted(events.user[order], np.arange(events.users + 1))
    ids = np.repeat(order[:, None], 2, axis=1)
    nobody, nothing = np.zeros(events.users + 1, np.int64), np.zeros(0, np.int64)
    zeros = np.zeros(len(order), np.int64)  # one segment; what enters the hourly counts is not asked for
    _, keys, amounts, (count, item, rating, time, *_) = fold_kernel(
        starts, events.item[order], events.time[order], events.weight[order], ids, zeros, zeros, zeros,
        nobody, nothing, nothing, nothing, nobody, np.zeros((0, 2), np.int64), nobody[1:], nobody, nothing, nothing,
        rules.history_items, rules.remembered_ids, rules.window_ms, rules.counted_per_day, events.items,
    )  # fmt: skip
    p, q = keys // events.items, keys % events.items
    own = p == q
    norm = np.zeros(events.items, np.int64)
    norm[p[own]] = amounts[own]
    p, q, amounts = p[~own], q[~own], amounts[~own]
    shape = (events.items, events.items)
    pair = csr_matrix((np.r_[amounts, amounts], (np.r_[p, q], np.r_[q, p])), shape=shape)
    pair.sort_indices()
    user = np.repeat(np.arange(events.users), count)
    at = np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count)
    steps = np.repeat(count, count) - 1 - at
    return Folded(norm, pair, user, item[user, at], rating[user, at], time[user, at], steps, events.users)


@dataclass(frozen=True)
class Cohort:
    """All users of a past; ``names`` of the items by code, ascending. Its sums are a ``port.Sums``."""

    names: Sequence[bytes]
    fold: Folded
    item: Ints  # of each event with a weight > 0
    time: Ints  # epoch ms of each such event
    enters: Mask  # whether it is within its user's share, so that popularity and trends know it
    standing: Standing
    touches: Ints  # packed, of each standing pair
    shrinkage: float = 0.0
    kernels: Kernels = READABLE
    labels_of: Labels = ()  # of each item; empty: unknown
    records_of: Sequence[Item | None] = ()  # of each item; empty: there are none
    late: Sequence[Item] = ()  # records of items that were described after the models had learned
    _kept: dict[Hashable, object] = field(default_factory=dict)

    @staticmethod
    def of(
        events: Interactions, rules: Rules, names: Sequence[bytes] = (), shrinkage: float = 0.0,
        kernels: Kernels = READABLE,
    ) -> "Cohort":  # fmt: skip
        """Fold the events; without ``names`` the items are named so that names sort as codes do."""
        rated, enters = events.weight > 0, events.counted(rules.counted_per_day)
        known = list(names) or [b"%010d" % code for code in range(events.items)]
        user, item, rating, touches = events.standing_words()
        standing, counted = Standing(known, user, item, rating), (events.item[rated], events.time[rated], enters[rated])
        return Cohort(
            known, folded(events, rules), *counted, standing, touches, shrinkage, kernels, events.labels,
            events.records,
        )  # fmt: skip

    @cached_property
    def index(self) -> ItemIndex:
        """The items' codes: their places among the names."""
        return ItemIndex(self.names)

    def question(self, user: int) -> Question:
        """Return what serving would ask for this user at the end of the past."""
        fold = self.fold
        own = range(*np.searchsorted(fold.user, [user, user + 1]).tolist())
        entries = (HistoryEntry(self.names[fold.item[k]], int(fold.rating[k]), int(fold.time[k])) for k in own)
        stands = slice(*np.searchsorted(self.standing.user, [user, user + 1]).tolist())
        rated = Rated(self.standing.item[stands], self.standing.rating[stands], self.touches[stands])
        return Question(History(tuple(entries)), self, standing=rated)

    @cached_property
    def ratings(self) -> Any:
        """All that stands: rating in units, shape (users, items), sparse."""
        from scipy.sparse import csr_matrix

        user, item, rating = self.standing.user, self.standing.item, self.standing.rating
        return csr_matrix((rating / WEIGHT_SCALE, (user, item)), shape=(self.fold.users, len(self.names)))

    def nearest(self, items: Ints, most: int, also: int = NOBODY) -> Sequence[Neighbours]:
        if also != NOBODY:
            return [self._row(code).nearest(most, also) for code in items.tolist()]
        return [self.once(("nearest", code, most), partial(self._nearest, code, most)) for code in items.tolist()]

    def _nearest(self, code: int, most: int) -> Neighbours:
        near = self._row(code).nearest(most)
        return Neighbours(near.codes, near.amounts)  # without the row that it was cut from

    def _row(self, code: int) -> Neighbours:
        pair = self.fold.pair
        part = slice(*pair.indptr[code : code + 2])
        return Neighbours(pair.indices[part].astype(np.int64), pair.data[part])

    def norms(self, items: Ints) -> Ints:
        return self.fold.norm[items]

    def decayed(self, half_life_hours: float) -> Ordered | None:
        return self.once(("decayed", half_life_hours), lambda: self._decayed(half_life_hours))

    def labels(self, items: Ints) -> Labels:
        own, known = self.labels_of, len(self.labels_of)
        return [own[code] if code < known else () for code in items.tolist()]  # a model may know further items

    def records(self, items: Ints) -> Sequence[Item | None]:
        return [self.records_of[code] for code in items.tolist()] if self.records_of else [None] * len(items)

    def described_last(self) -> Sequence[Item]:
        return self.late

    def shelves(self, half_life_hours: float) -> Shelves:
        return self.once(("shelves", half_life_hours), lambda: self._shelves(half_life_hours))

    def _shelves(self, half_life_hours: float) -> Shelves:
        return Shelves(most_popular(self.decayed(half_life_hours)), ByLabel.of(self.labels_of))

    def newcomers(self, hours: int) -> Ordered | None:
        return self.once(("newcomers", hours), lambda: self._newcomers(hours))

    def rising(self, hours: int) -> Ranked | None:
        return self.once(("rising", hours), lambda: self._rising(hours))

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        if what not in self._kept:
            self._kept[what] = make()
        return cast(T, self._kept[what])

    def _decayed(self, half_life_hours: float) -> Ordered | None:
        if not len(self.time):
            return None
        worth, hour = faded(half_life_hours), self.time // BUCKET_MS
        age = int(self.time.max()) // BUCKET_MS - hour
        recent = self.enters & (age < len(worth))
        units = np.zeros(len(self.names), np.int64)
        np.add.at(units, self.item[recent], worth[age[recent]])
        return by_units(units, self.index, self.kernels)

    def _newcomers(self, hours: int) -> Ordered | None:
        if not len(self.time):
            return None
        hour, window = self.time // BUCKET_MS, Window.ending(int(self.time.max()), hours)
        inside = hour >= window.baseline.start
        first = np.full(len(self.names), window.window.stop)
        np.minimum.at(first, self.item[inside], hour[inside])
        return by_newness(first, window.window, self.index, self.kernels)

    def _rising(self, hours: int) -> Ranked | None:
        if not len(self.time):
            return None
        hour, window = self.time // BUCKET_MS, Window.ending(int(self.time.max()), hours)

        def within(part: range) -> Ints:
            inside = self.enters & (hour >= part.start) & (hour < part.stop)
            return np.bincount(self.item[inside], minlength=len(self.names))

        counts = WindowCounts(self.index, *(within(p) for p in (window.window, window.baseline, window.before)))
        return trends(counts, self.kernels) if has_trend(counts, window, int(hour.min())) else None


def scored(scorer: Scorer, cohort: Cohort, users: Ints) -> Floats:
    """Return the scores of all candidates, shape (users, items): at once where the scorer can, else user by user."""
    if isinstance(scorer, CohortScorer):
        return scorer.scores(cohort, users)
    return one_by_one(scorer, cohort, users)


def one_by_one(scorer: Scorer, cohort: Cohort, users: Ints) -> Floats:
    """Return what ``candidates`` answers each user."""
    out = np.zeros((len(users), len(cohort.names)))
    for row, user in enumerate(users.tolist()):
        codes, scores = scorer.candidates(cohort.question(user), len(cohort.names)).columns
        own = codes < len(cohort.names)  # a model may know further items
        out[row, codes[own]] = np.maximum(scores[own], 0.0)
    return out
