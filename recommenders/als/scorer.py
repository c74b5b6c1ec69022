"""The exact fold-in of one user against one generation's item factors, and the best of all items by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.rows.codec import History
from recommenders.als.fold_in import FoldIn, Matrix, fold_in
from recommenders.cohort import Cohort
from recommenders.port import Candidates, Floats, Ints, Question
from schemas.event import WEIGHT_SCALE

GROUPS_PER_PLACE = 8  # more groups cut closer, fewer are faster to compare; flat from 4 to 32
ROUNDING = 2.0**-23  # twice what one operation on 32-bit floats may be off by, relatively


@dataclass(frozen=True)
class AlsScorer:
    """Item factors Y, shape (items, factors), one row per name of ``items``; gram is YtY.

    Y lies in memory column by column: so the product with one user's factors takes half the time. ``weighted``: the
    regularization counts once for each of the user's items, as in Spark's fit.
    """

    items: list[bytes]
    factors: Matrix
    gram: Matrix
    alpha: float
    regularization: float
    weighted: bool = False

    @cached_property
    def rows(self) -> dict[bytes, int]:
        """The position of each item's name in Y."""
        return {name: row for row, name in enumerate(self.items)}

    def candidates(self, question: Question, most: int) -> Candidates:
        solved = self.fold_in(question.history)
        if solved is None:
            return Candidates()
        known, solution = solved
        rows, predicted = self.best(solution.vector, most)
        found = {self.items[row]: score for row, score in zip(rows.tolist(), predicted.tolist(), strict=True)}
        found = {name: score for name, score in found.items() if score > 0}
        if question.also is not None and question.also in self.rows:
            found[question.also] = float(self.score(solution.vector, np.array([self.rows[question.also]]))[0])

        def reasons(item: bytes) -> Mapping[bytes, float]:
            """The item's score split by history items (Hu, Koren, Volinsky 2008, §5)."""
            if item not in self.rows:
                return {}
            shares = self.factors[self.rows[item]].astype(np.float64) @ solution.explained
            return {name: share for name, share in zip(known, shares.tolist(), strict=True) if share > 0}

        return Candidates(found, reasons)

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        """Return the predicted preferences, shape (users, items of the cohort); they may be negative."""
        row_of = self._rows_of(cohort)
        known, histories = row_of >= 0, cohort.fold.histories(1.0)[users]
        x = np.zeros((len(users), self.factors.shape[1]))
        for k, (a, b) in enumerate(zip(histories.indptr[:-1], histories.indptr[1:], strict=True)):
            item, rating = histories.indices[a:b], histories.data[a:b]
            item, rating = item[known[item]], rating[known[item]]
            if len(item):
                x[k] = self._solved(row_of[item], rating).vector
        out = np.zeros((len(users), len(cohort.names)))
        out[:, known] = x @ self.factors[row_of[known]].T.astype(np.float64)
        return out

    def fold_in(self, history: History) -> tuple[list[bytes], FoldIn] | None:
        """The user's factors from the merged history: confidence 1 + alpha · rating; None when no item is known.

        Returns: the history's known items, as the columns of ``FoldIn.explained``, and the solution.
        """
        known = [entry for entry in history.entries if entry.item in self.rows]
        if not known:
            return None
        at = np.array([self.rows[entry.item] for entry in known], dtype=np.int64)
        rating = np.array([entry.rating / WEIGHT_SCALE for entry in known])
        return [entry.item for entry in known], self._solved(at, rating)

    def best(self, vector: Floats, most: int) -> tuple[Ints, Floats]:
        """Rows and scores of the items of the greatest x · Y, exactly: by score descending, then by row.

        Each item is scored with 32-bit floats; those that may be among the best in spite of what such a score can be
        off by are scored again with 64. Were the items dealt into groups, the ``most``-th greatest of the groups'
        maxima would be a bound that as many items reach; finding it needs no sorting of all scores.
        """
        rough = self.factors @ vector.astype(np.float32)
        rows = np.arange(len(rough))
        length = len(rough) // (GROUPS_PER_PLACE * most)
        if length > 1:
            maxima = rough[: len(rough) // length * length].reshape(length, -1).max(axis=0)
            reached = np.partition(maxima, len(maxima) - most)[len(maxima) - most]
            rows = np.flatnonzero(rough >= reached - 2 * self._error(vector))
        scores = self.score(vector, rows)
        order = np.lexsort((rows, -scores))[:most]
        return rows[order], scores[order]

    def score(self, vector: Floats, rows: Ints) -> Floats:
        """The predicted preferences x · Y of those rows; equal factors give equal scores, wherever they stand."""
        scores: Floats = (self.factors[rows].astype(np.float64) * vector).sum(axis=1)
        return scores

    def _solved(self, rows: Ints, rating: Floats) -> FoldIn:
        strength = self.regularization * (len(rows) if self.weighted else 1)
        return fold_in(self.factors, self.gram, rows, 1.0 + self.alpha * rating, strength)

    def _rows_of(self, cohort: Cohort) -> Ints:
        """The row of each item of the cohort, -1 for items that the model does not know."""
        return np.array([self.rows.get(name, -1) for name in cohort.names], np.int64)

    def _error(self, vector: Floats) -> float:
        """By how much a 32-bit score differs from the true one at most (Higham 2002, §3.1, and Cauchy-Schwarz)."""
        return float((len(vector) + 2) * ROUNDING * np.linalg.norm(vector) * self._longest)

    @cached_property
    def _longest(self) -> float:
        """The greatest length of an item's factors."""
        return float(np.sqrt(np.einsum("ij,ij->i", self.factors, self.factors).max(initial=0.0)))
