"""Recommenders that list what the hourly counts say, the same for everybody: they learn nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.ranking.scores import Ranked
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.port import Candidates, Floats, Ints, Past, Question, Sums

Ranking = Callable[[Sums], Ranked | None]


@dataclass(frozen=True)
class CountedScorer:
    """Scores an item as the ranking does; 0 for items that it does not list."""

    name: str
    ranking: Ranking

    def candidates(self, question: Question, most: int) -> Candidates:
        ranked = self.ranking(question.sums)
        if ranked is None:
            return Candidates()
        best = question.sums.once((self.name, most), lambda: ranked.best(most))
        own = None if question.also is None else ranked.score(question.also)
        return Candidates(best if question.also is None or own is None else {**best, question.also: own})

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        row = np.zeros(len(cohort.names))
        if (ranked := self.ranking(cohort)) is not None:
            row[ranked.rows] = ranked.scores  # a cohort's table is in the order of its codes
        return np.tile(row, (len(users), 1))


@dataclass(frozen=True)
class Counted:
    """One such recommender."""

    name: str
    settings: type[Any]
    ranking: Ranking
    trained: bool = False

    def fit(self, past: Past, settings: Any, before: Artefact | None) -> None:
        return None

    def open(self, artefact: Artefact | None, settings: Any) -> CountedScorer:
        return CountedScorer(self.name, self.ranking)
