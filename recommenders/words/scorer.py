"""Scores items by the cosine between their vectors and the weighted mean of what the user touched."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.codes.item_index import UNKNOWN
from core.ranking.columns import Columns
from recommenders.cohort import Cohort
from recommenders.pairs import best_rows
from recommenders.port import Candidates, Floats, Ints, Question
from schemas.event import WEIGHT_SCALE

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class WordsScorer:
    """``items``: names of the rows of ``vectors``, of length 1 each."""

    items: list[bytes]
    vectors: Matrix
    step_back: float

    def candidates(self, question: Question, most: int) -> Candidates:
        aligned, own = question.sums.index.aligned(self.items), question.codes[::-1]
        ratings = np.array([entry.rating for entry in question.history.entries[::-1]]) / WEIGHT_SCALE
        rows = aligned.rows_of(own)
        known = np.flatnonzero(rows != UNKNOWN)
        if not len(known):
            return Candidates()
        shares = (ratings * self.step_back ** np.arange(len(own)))[known]
        touched = self.vectors[rows[known]].astype(np.float64)
        scored = cosines(self.vectors, shares @ touched)

        def reasons(code: int) -> Mapping[int, float]:
            row = aligned.row_of(code)
            said = [] if row == UNKNOWN else (shares * (touched @ self.vectors[row])).tolist()
            return {item: part for item, part in zip(own[known].tolist(), said, strict=False) if part > 0}

        return Candidates(best_rows(Columns(np.arange(len(scored)), scored), most, aligned, question.also), reasons)

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        """Return the cosines, shape (users, items of the cohort); they may be negative."""
        rows = cohort.index.aligned(self.items).rows_of(np.arange(len(cohort.names)))
        known = np.flatnonzero(rows != UNKNOWN)
        out = np.zeros((len(users), len(cohort.names)))
        if len(known):
            vectors = self.vectors[rows[known]].astype(np.float64)
            profiles = cohort.fold.histories(self.step_back)[users][:, known] @ vectors
            length = np.sqrt((profiles**2).sum(axis=1, keepdims=True))
            out[:, known] = profiles @ vectors.T / np.where(length > 0, length, 1.0)
        return out


def cosines(vectors: Matrix, profile: Floats) -> Floats:
    """Return the product of each vector with the direction of the profile, exact over all of them."""
    length = float(np.sqrt(profile @ profile))
    direction = profile / length if length > 0 else profile
    return (vectors @ direction.astype(np.float32)).astype(np.float64)
