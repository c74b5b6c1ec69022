"""The most similar users of the past, and what they touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.codes.item_index import UNKNOWN
from core.ranking.columns import Columns
from core.ranking.kernels import READABLE, Kernels
from recommenders.cohort import Cohort
from recommenders.pairs import best_rows, greatest, ranges
from recommenders.port import Candidates, Floats, Ints, Question

STARTS, ITEMS = "starts", "items"
NO_VALUES = np.zeros(0, np.float32)  # in the place of values


@dataclass(frozen=True)
class UserKnnScorer:
    """User k of the past touched ``touched`` (rows of ``items``) from ``starts[k]`` to ``starts[k + 1]``."""

    items: list[bytes]
    starts: Ints
    touched: NDArray[np.int32]
    neighbours: int
    shrink: float

    of_user_alone: ClassVar[bool] = True

    def candidates(self, question: Question, most: int) -> Candidates:
        aligned, standing = question.sums.index.aligned(self.items), question.standing
        rows = aligned.rows_of(standing.codes)
        known = rows != UNKNOWN
        kernels = question.sums.kernels
        near = self._near(rows[known], kernels)
        scored = kernels.added_rows(self.starts, self.touched, NO_VALUES, near.codes, near.scores, len(self.items))

        def reasons(code: int) -> Mapping[int, float]:
            """Return for each item of the user the similarity of the neighbours who touched it and the item."""
            touched = kernels.column_of(self.starts, self.touched, NO_VALUES, near.codes, aligned.row_of(code)) > 0
            users, similar = near.codes[touched], near.scores[touched]
            shares = kernels.added_rows(self.starts, self.touched, NO_VALUES, users, similar, len(self.items))
            by_row = np.zeros(len(self.items))
            by_row[shares.codes] = shares.scores
            own = zip(standing.codes[known].tolist(), by_row[rows[known]].tolist(), strict=True)
            return {item: share for item, share in own if share > 0}

        return Candidates(best_rows(scored, most, aligned, question.also), reasons)

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        """Return the sums of similarities, shape (users, items of the cohort)."""
        row_of = cohort.index.aligned(self.items).rows_of(np.arange(len(cohort.names)))
        known, ratings = row_of != UNKNOWN, cohort.ratings[users]
        out = np.zeros((len(users), len(cohort.names)))
        for k, (a, b) in enumerate(zip(ratings.indptr[:-1], ratings.indptr[1:], strict=True)):
            rows = row_of[ratings.indices[a:b]]
            near = self._near(rows[rows != UNKNOWN])
            places, of = ranges(self.starts, near.codes)
            out[k, known] = np.bincount(self.touched[places], near.scores[of], len(self.items))[row_of[known]]
        return out

    def _near(self, rows: Ints, kernels: Kernels = READABLE) -> Columns:
        """Return the most similar users and their similarities; of equal ones the first."""
        starts, users = self._users
        shared = kernels.added_rows(starts, users, NO_VALUES, rows, np.ones(len(rows)), len(self.starts) - 1)
        sizes = np.diff(self.starts)[shared.codes]
        cosine = shared.scores / np.sqrt(np.maximum(sizes * float(len(rows)), 1.0))
        similar = cosine * (shared.scores / (shared.scores + self.shrink))
        kept = greatest(similar, self.neighbours)
        return Columns(shared.codes[kept], similar[kept])

    @cached_property
    def _users(self) -> tuple[Ints, NDArray[np.int32]]:
        """The users who touched each item: where its part begins, and the users."""
        order = np.argsort(self.touched, kind="stable")
        starts = np.zeros(len(self.items) + 1, np.int64)
        np.cumsum(np.bincount(self.touched, minlength=len(self.items)), out=starts[1:])
        return starts, (np.searchsorted(self.starts, order, "right") - 1).astype(np.int32)
