"""Item-based collaborative filtering over the merged co-ratings: the neighbours of what the user touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.ranking import scores
from core.ranking.columns import Rows
from core.ranking.neighbours import NOBODY_NEAR
from core.ranking.scores import similarity_of_one
from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort, Folded
from recommenders.port import Candidates, Floats, Ints, Past, Question
from schemas.event import WEIGHT_SCALE


@dataclass(frozen=True)
class SimilarSettings:
    """``weight``: the source's share of a blend. ``step_back``: what an item touched one step earlier counts, 0 to 1.

    ``neighbours``: of one history item, by co-rating; the others' shares are negligible, and their norms cost reads.
    """

    weight: float = setting(
        0.3, "the source's share of a blend; 0 turns it off", at_least=0,
        why="[decision 24](decisions/0024-evaluation.md) compares all shares",
    )  # fmt: skip
    step_back: float = setting(
        0.9, "what an item touched one step earlier counts", at_least=0, at_most=1, why="recent items say most"
    )
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
        if not question.history.entries:
            return Candidates()
        rows = self._rows(question)
        shrinkage = question.sums.shrinkage
        own_items = list(zip(rows.own.tolist(), rows.own_norms.tolist(), rows.weights.tolist(), strict=True))

        def reasons(code: int) -> Mapping[int, float]:
            at = np.flatnonzero(rows.codes == code)
            columns = (np.searchsorted(rows.starts, at, "right") - 1, rows.amounts[at], rows.norms[at])
            out = dict[int, float]()
            for row, pair, norm in zip(*(column.tolist() for column in columns), strict=True):
                own, own_norm, weight = own_items[row]
                if own != code and (score := similarity_of_one(pair, own_norm, norm, shrinkage)) > 0:
                    out[own] = score * weight
            return out

        return Candidates(question.sums.kernels.summed(rows, shrinkage), reasons)

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        near = cohort.once(
            ("similarities", self.settings.neighbours),
            lambda: similarities(cohort.fold, cohort.shrinkage, self.settings.neighbours),
        )
        return summed(cohort.fold, near, users, self.settings.step_back)

    def _rows(self, question: Question) -> Rows:
        """Return the rows of the history's items, the one touched last first."""
        sums, entries = question.sums, question.history.entries[::-1]
        weights = np.array(
            [entry.rating / WEIGHT_SCALE * self.settings.step_back**steps for steps, entry in enumerate(entries)]
        )
        own = question.codes[::-1]
        near = [
            NOBODY_NEAR if row is None else row.nearest(self.settings.neighbours, sums.index.names, question.also)
            for row in sums.neighbours(own)
        ]
        starts = np.zeros(len(own) + 1, np.int64)
        np.cumsum([len(row.codes) for row in near], out=starts[1:])
        codes = np.concatenate([row.codes for row in near])
        norms = sums.norms(np.concatenate([own, codes]))
        amounts = np.concatenate([row.amounts for row in near])
        return Rows(codes, amounts, norms[len(own) :], starts, own, norms[: len(own)], weights)


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


class Similar:
    """Needs no training: co-ratings and norms are merged sums."""

    name = "similar"
    settings = SimilarSettings
    trained = False

    def fit(self, past: Past, settings: SimilarSettings, before: Artefact | None) -> None:
        return None

    def open(self, artefact: Artefact | None, settings: SimilarSettings) -> SimilarScorer:
        return SimilarScorer(settings)


RECOMMENDER = Similar()
