"""The exact fold-in of one user against one generation's item factors, and the best of all items by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from core.codes.item_index import UNKNOWN
from core.ranking.columns import Columns
from core.ranking.kernels import READABLE, Kernels
from recommenders.als.fold_in import FoldIn, Matrix, fold_in
from recommenders.cohort import Cohort
from recommenders.port import Candidates, Floats, Ints, Question, Rated
from schemas.event import WEIGHT_SCALE

GROUPS_PER_PLACE = 8  # more groups cut closer, fewer are faster to compare; flat from 4 to 32
HELD_TWICE = 64 << 20  # bytes
ROUNDING = 2.0**-23  # twice what one operation on 32-bit floats may be off by, relatively


class Solved(NamedTuple):
    """A solved user; ``known``: the places of the touched items that are the columns of ``solution.explained``."""

    known: Ints
    solution: FoldIn


@dataclass(frozen=True)
class AlsScorer:
    """Item factors Y, shape (items, factors), one row per name of ``items``; gram is YtY.

    Y lies in memory column by column: so the product with one user's factors takes half the time. ``weighted``: the
    regularization counts once for each of the user's items, as in Spark's fit. ``whole``: the user is solved from all
    that stands, else from the last items of the history.
    """

    items: list[bytes]
    factors: Matrix
    gram: Matrix
    alpha: float
    regularization: float
    weighted: bool = False
    whole: bool = False

    of_user_alone: ClassVar[bool] = True

    def candidates(self, question: Question, most: int) -> Candidates:
        index, kernels = question.sums.index, question.sums.kernels
        aligned = index.aligned(self.items)
        touched = self._touched(question)
        solved = self.fold_in(touched.ratings, aligned.rows_of(touched.codes))
        if solved is None:
            return Candidates()
        own, solution = touched.codes[solved.known], solved.solution
        rows, predicted = self.best(solution.vector, most, kernels)
        if (row := aligned.row_of(question.also)) != UNKNOWN:
            others = rows != row
            score = kernels.predicted(self._by_row, np.array([row]), solution.vector)
            rows, predicted = np.append(rows[others], row), np.append(predicted[others], score)
        positive = predicted > 0

        def reasons(code: int) -> Mapping[int, float]:
            """Return the item's score split by history items (Hu, Koren, Volinsky 2008, §5)."""
            row = aligned.row_of(code)
            if row == UNKNOWN:
                return {}
            shares = self.factors[row].astype(np.float64) @ solution.explained
            return {item: share for item, share in zip(own.tolist(), shares.tolist(), strict=True) if share > 0}

        return Candidates(Columns(aligned.codes[rows[positive]], predicted[positive]), reasons)

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        """Return the predicted preferences, shape (users, items of the cohort); they may be negative."""
        row_of = self._rows_of(cohort)
        known, histories = row_of >= 0, (cohort.ratings if self.whole else cohort.fold.histories(1.0))[users]
        x = np.zeros((len(users), self.factors.shape[1]))
        for k, (a, b) in enumerate(zip(histories.indptr[:-1], histories.indptr[1:], strict=True)):
            item, rating = histories.indices[a:b], histories.data[a:b]
            item, rating = item[known[item]], rating[known[item]]
            if len(item):
                x[k] = self._solved(row_of[item], rating).vector
        out = np.zeros((len(users), len(cohort.names)))
        out[:, known] = x @ self.factors[row_of[known]].T.astype(np.float64)
        return out

    def fold_in(self, ratings: Ints, rows: Ints) -> Solved | None:
        """Solve the user's factors from what was touched: confidence 1 + alpha · rating; None when no item is known.

        Args: ratings: thousandths.      rows: of the items, ``UNKNOWN`` for those that the model does not have.
        """
        known = np.flatnonzero(rows != UNKNOWN)
        return Solved(known, self._solved(rows[known], ratings[known] / WEIGHT_SCALE)) if len(known) else None

    def _touched(self, question: Question) -> Rated:
        if self.whole:
            return question.standing
        return Rated(question.codes, question.ratings)

    def best(self, vector: Floats, most: int, kernels: Kernels = READABLE) -> tuple[Ints, Floats]:
        """Return the rows of the ``most`` items of the greatest x · Y, ascending, and their scores, exactly.

        Of equal scores the first rows count. Each item is scored with 32-bit floats; those that may be among the best
        in spite of what such a score can be off by are scored again with 64. Were the items dealt into groups, the
        ``most``-th greatest of the groups' maxima would be a bound that as many items reach; finding it needs no
        sorting of all scores.
        """
        rough = self.factors @ vector.astype(np.float32)
        rows = np.arange(len(rough))
        if len(rough) > most:
            length = max(1, len(rough) // (GROUPS_PER_PLACE * most))
            maxima = rough[: len(rough) // length * length].reshape(length, -1).max(axis=0)
            reached = np.partition(maxima, len(maxima) - most)[len(maxima) - most]
            rows = np.flatnonzero(rough >= reached - 2 * self._error(vector))
        scores = kernels.predicted(self._by_row, rows, vector)
        if len(rows) > most:
            least = np.partition(scores, len(rows) - most)[len(rows) - most]
            above = scores > least
            above[np.flatnonzero(scores == least)[: most - int(above.sum())]] = True
            rows, scores = rows[above], scores[above]
        return rows, scores

    def _solved(self, rows: Ints, rating: Floats) -> FoldIn:
        strength = self.regularization * (len(rows) if self.weighted else 1)
        return fold_in(self._by_row, self.gram, rows, 1.0 + self.alpha * rating, strength)

    def _rows_of(self, cohort: Cohort) -> Ints:
        """Return the row of each item of the cohort, ``UNKNOWN`` for items that the model does not have."""
        return cohort.index.aligned(self.items).rows_of(np.arange(len(cohort.names)))

    def _error(self, vector: Floats) -> float:
        """Return the most that a 32-bit score can be off by (Higham 2002, §3.1, and Cauchy-Schwarz)."""
        return float((len(vector) + 2) * ROUNDING * np.linalg.norm(vector) * self._longest)

    @cached_property
    def _by_row(self) -> Matrix:
        """Y row by row, for products with few of its rows; a large Y is not held twice."""
        return np.ascontiguousarray(self.factors) if self.factors.nbytes <= HELD_TWICE else self.factors

    @cached_property
    def _longest(self) -> float:
        """The greatest length of an item's factors."""
        return float(np.sqrt(np.einsum("ij,ij->i", self.factors, self.factors).max(initial=0.0)))
