"""Item-based collaborative filtering over the merged co-ratings: the neighbours of what the user touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

import numpy as np

from core.ranking import scores
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
        sums, settings = question.sums, self.settings
        weights = {
            entry.item: entry.rating / WEIGHT_SCALE * settings.step_back**steps
            for steps, entry in enumerate(reversed(question.history.entries))
        }
        if not weights:
            return Candidates()
        near = {item: self._nearest(pairs, question.also) for item, pairs in sums.pairs(list(weights)).items()}
        norms = sums.norms([*weights, *{name for pairs in near.values() for name in pairs}])
        shares: dict[bytes, dict[bytes, float]] = {}
        for item, pairs in near.items():
            amounts = np.array(list(pairs.values()), np.int64)
            others = np.array([norms[name] for name in pairs], np.int64)
            found = scores.similarity(amounts, norms[item], others, sums.shrinkage).tolist()
            for name, similarity in zip(pairs, found, strict=True):
                if similarity > 0 and name != item:
                    shares.setdefault(name, {})[item] = similarity * weights[item]
        totals = {name: sum(share.values()) for name, share in shares.items()}
        return Candidates(totals, lambda item: shares.get(item, {}))

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        near = cohort.once(
            ("similarities", self.settings.neighbours),
            lambda: similarities(cohort.fold, cohort.shrinkage, self.settings.neighbours),
        )
        return summed(cohort.fold, near, users, self.settings.step_back)

    def _nearest(self, pairs: Mapping[bytes, int], also: bytes | None) -> dict[bytes, int]:
        if len(pairs) <= self.settings.neighbours:
            return dict(pairs)
        best = dict(nlargest(self.settings.neighbours, pairs.items(), key=lambda pair: (pair[1], pair[0])))
        if also is not None and also in pairs:
            best[also] = pairs[also]
        return best


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
    found: Floats = (fold.histories(step_back)[users] @ near).toarray()
    return found


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
