"""One user's factors and bias with those of the items held fixed, and the ratings that they predict."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.codes.item_index import UNKNOWN
from core.ranking.columns import Columns
from recommenders.cohort import Cohort
from recommenders.pairs import best_rows
from recommenders.port import Candidates, Floats, Ints, Question
from schemas.event import WEIGHT_SCALE

FACTORS, BIASES = "factors", "biases"
LARGEST = float(np.log1p(1e9))  # of the logarithm of a prediction


@dataclass(frozen=True)
class MfScorer:
    """Factors q, shape (items, factors), and biases b of the items, of ratings brought to mean 0 and deviation 1.

    A rating r in units was brought there from ln(1 + r), by ``mean`` and ``spread``.
    """

    items: list[bytes]
    factors: NDArray[np.float32]
    biases: NDArray[np.float32]
    mean: float
    spread: float
    regularization: float

    of_user_alone: ClassVar[bool] = True

    def candidates(self, question: Question, most: int) -> Candidates:
        aligned, standing = question.sums.index.aligned(self.items), question.standing
        rows = aligned.rows_of(standing.codes)
        known = np.flatnonzero(rows != UNKNOWN)
        if not len(known):
            return Candidates()
        parts = self._solved(rows[known], standing.ratings[known] / WEIGHT_SCALE)
        scored = Columns(np.arange(len(self.items)), self._predicted(parts.sum(axis=1)))

        def reasons(code: int) -> Mapping[int, float]:
            """Return how much each of the user's ratings raises the item's, in deviations."""
            row = aligned.row_of(code)
            shares = (self._wide[row] @ parts).tolist() if row != UNKNOWN else []
            own = standing.codes[known].tolist()
            return {item: share for item, share in zip(own, shares, strict=False) if share > 0}

        return Candidates(best_rows(scored, most, aligned, question.also), reasons)

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        """Return the predicted ratings, shape (users, items of the cohort); 0 where nothing is known."""
        row_of = cohort.index.aligned(self.items).rows_of(np.arange(len(cohort.names)))
        known, ratings = row_of != UNKNOWN, cohort.ratings[users]
        out = np.zeros((len(users), len(cohort.names)))
        for k, (a, b) in enumerate(zip(ratings.indptr[:-1], ratings.indptr[1:], strict=True)):
            rows, rating = row_of[ratings.indices[a:b]], ratings.data[a:b]
            own = rows != UNKNOWN
            if own.any():
                out[k, known] = self._predicted(self._solved(rows[own], rating[own]).sum(axis=1))[row_of[known]]
        return out

    def _solved(self, rows: Ints, rating: Floats) -> Floats:
        """Return the user's factors, the bias last, as a sum of columns, one for each rating: least squares with λ."""
        wide = self._wide[rows]
        left = wide.T @ wide + self.regularization * len(rows) * np.eye(wide.shape[1])
        residual = (np.log1p(rating) - self.mean) / self.spread - self.biases[rows]
        return np.linalg.solve(left, wide.T * residual).astype(np.float64, copy=False)

    def _predicted(self, user: Floats) -> Floats:
        """Return every item's rating in units."""
        deviations = self._wide @ user + self.biases
        rating: Floats = np.expm1(np.minimum(self.mean + self.spread * deviations, LARGEST))
        return np.maximum(rating, 0.0)

    @cached_property
    def _wide(self) -> Floats:
        """The factors and a column of ones, which the user's bias goes with."""
        return np.concatenate([self.factors.astype(np.float64), np.ones((len(self.items), 1))], axis=1)
