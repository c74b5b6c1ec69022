"""Item-based collaborative filtering over the merged co-ratings: the neighbours of what the user touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np

from core.ranking import scores
from core.ranking.columns import Columns
from core.ranking.related import Related, Rows
from core.settings import setting
from recommenders.cohort import Cohort, Folded
from recommenders.port import Candidates, Floats, Ints, Question
from recommenders.untrained import Untrained
from schemas.event import WEIGHT_SCALE


@dataclass(frozen=True)
class SimilarSettings:
    """``weight``: the source's share of a blend. ``step_back``: what an item touched one step earlier counts, 0 to 1.

    ``shrinkage``: co-rating, in ratings, that halves a similarity. ``tempering``: the power of an item's norm, in
    ratings, by which its score is divided.
    ``neighbours``: of one history item, by co-rating; the others' shares are negligible, and their norms cost reads.
    """

    weight: float = setting(
        0.3, "the source's share of a blend; 0 turns it off", at_least=0,
        why="[decision 24](decisions/0024-evaluation.md) compares all shares",
    )  # fmt: skip
    step_back: float = setting(
        0.8, "what an item touched one step earlier counts", at_least=0, at_most=1,
        why="live answers want less, forecasts of weeks more ([decision 36](decisions/0036-live-sources.md))",
    )  # fmt: skip
    shrinkage: float = setting(
        5.0, "co-rating that halves a similarity; that of `[reading]` counts where it is greater", at_least=0,
        why="co-ratings of one or two users say little: better than 0 on two sets of four, as good on the others",
    )  # fmt: skip
    tempering: float = setting(
        0.0, "scores are divided by the item's norm to this power: above 0 rarer items come first", at_least=-1,
        at_most=1, why="shrinkage does more, without favouring what is frequent",
    )  # fmt: skip
    neighbours: int = setting(
        200,
        "of one history item, by co-rating",
        why="the shares of others are negligible, and their norms cost reads",
        at_least=1,
    )


@dataclass(frozen=True)
class SimilarScorer:
    """The sum over the history of similarity · rating, softer for items touched earlier."""

    settings: SimilarSettings

    def candidates(self, question: Question, most: int) -> Candidates:
        entries, kernels = question.history.entries, question.sums.kernels
        if not entries:
            return Candidates()
        weights = question.ratings[::-1] / WEIGHT_SCALE * powers(self.settings.step_back, len(entries))
        known = self._known(question)
        scored = kernels.summed(known, weights)

        def reasons(code: int) -> Mapping[int, float]:
            (shares,) = reasons_of_all([code])
            return shares

        def reasons_of_all(codes: Sequence[int]) -> Sequence[Mapping[int, float]]:
            asked, out = np.array(codes, np.int64), [dict[int, float]() for _ in codes]
            of, items, shares = kernels.contributions(known, weights, asked)
            if self.settings.tempering:
                shares = shares * self._factors(question.sums.norms(asked))[of]
            for place, item, share in zip(of.tolist(), items.tolist(), shares.tolist(), strict=True):
                out[place][item] = share
            return out

        if self.settings.tempering:
            factors = self._factors(question.sums.norms(scored.codes))
            scored = Columns(scored.codes, scored.scores * factors)
        return Candidates(scored, reasons, reasons_of_all)

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        shrinkage, neighbours = self._shrinkage(cohort.shrinkage), self.settings.neighbours
        near = cohort.once(
            ("similarities", shrinkage, neighbours), lambda: similarities(cohort.fold, shrinkage, neighbours)
        )
        scores = summed(cohort.fold, near, users, self.settings.step_back)
        return scores * self._factors(cohort.fold.norm) if self.settings.tempering else scores

    def _shrinkage(self, of_reading: float) -> float:
        return max(of_reading, self.settings.shrinkage)

    def _factors(self, norms: Ints) -> Floats:
        """Return what scores of items with those norms are multiplied by; 1 for an item without a norm."""
        factors: Floats = np.where(norms > 0, norms / WEIGHT_SCALE, 1.0) ** -self.settings.tempering
        return factors

    def _known(self, question: Question) -> Related:
        """Return the similarities of the history's items, the one touched last first."""
        most, shrinkage = self.settings.neighbours, self._shrinkage(question.sums.shrinkage)
        rows = question.once(("rows of similar", most), lambda: _rows(question, most))
        return question.once(("similarities", most, shrinkage), lambda: question.sums.kernels.related(rows, shrinkage))


def _rows(question: Question, most: int) -> Rows:
    sums, own = question.sums, question.codes[::-1]
    near = sums.nearest(own, most, question.also)
    columns = [row.codes for row in near]
    starts = np.array([*accumulate(map(len, columns), initial=0)], np.int64)
    codes, amounts = np.concatenate([own, *columns]), np.concatenate([row.amounts for row in near])
    norms = sums.norms(codes)
    return Rows(codes[len(own) :], amounts, norms[len(own) :], starts, own, norms[: len(own)])


@lru_cache(256)
def powers(base: float, most: int) -> Floats:
    """Return base^0, base^1 and so on."""
    return np.array([base**exponent for exponent in range(most)])


def similarities(fold: Folded, shrinkage: float = 0.0, nearest: int | None = None) -> Any:
    """Return each item's row of scores with its neighbours, sparse; only the ``nearest`` by co-rating where given."""
    from scipy.sparse import csr_matrix

    pair = fold.pair
    row = np.repeat(np.arange(pair.shape[0]), np.diff(pair.indptr))
    item, amount = pair.indices, pair.data
    if nearest is not None:
        order = np.lexsort((-amount, row))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order)) - pair.indptr[row[order]]
        row, item, amount = row[place < nearest], item[place < nearest], amount[place < nearest]
    product = fold.norm[row].astype(np.float64) * fold.norm[item]
    return csr_matrix((scores.similarity(amount, 1, product, shrinkage), (row, item)), shape=pair.shape)


def summed(fold: Folded, near: Any, users: Ints, step_back: float = 1.0) -> Floats:
    """Return each user's sum over the history of similarity · rating, shape (users, items)."""
    sums: Floats = (fold.histories(step_back)[users] @ near).toarray()
    return sums


# Co-ratings and norms are merged sums.
RECOMMENDER = Untrained("similar", SimilarSettings, SimilarScorer)
