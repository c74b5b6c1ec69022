"""Recommenders that list what the hourly counts say, the same for everybody: they learn nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.ranking.columns import NOBODY, Columns
from core.ranking.ranked import Ordered
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.port import Candidates, Floats, Ints, Past, Question, Sums

Ranking = Callable[[Sums], Ordered | None]


@dataclass(frozen=True)
class CountedScorer:
    """Scores an item as the ranking does; 0 for items that it does not list."""

    ranking: Ranking

    def candidates(self, question: Question, most: int) -> Candidates:
        ranked = self.ranking(question.sums)
        if ranked is None:
            return Candidates()
        first, also = ranked.first(most), question.also
        if also == NOBODY or (first.codes == also).any() or (own := ranked.score(also)) is None:
            return Candidates(first)
        return Candidates(Columns(np.append(first.codes, also), np.append(first.scores, own)))

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        row = np.zeros(len(cohort.names))
        if (ranked := self.ranking(cohort)) is not None:
            row[ranked.scored.codes] = ranked.scored.scores
        return np.tile(row, (len(users), 1))


@dataclass(frozen=True)
class Counted:
    """One such recommender."""

    name: str
    settings: type[Any]
    ranking: Callable[[Any], Ranking]  # by the settings
    trained: bool = False

    def fit(self, past: Past, settings: Any, before: Artefact | None) -> None:
        return None

    def open(self, artefact: Artefact | None, settings: Any) -> CountedScorer:
        return CountedScorer(self.ranking(settings))
