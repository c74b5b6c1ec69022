"""Recommenders that list what the hourly counts say, the same for everybody: they learn nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from core.ranking.columns import NOBODY, Columns
from core.ranking.ranked import Ordered
from recommenders.cohort import Cohort
from recommenders.port import Candidates, Floats, Ints, Question, Sums
from recommenders.untrained import Untrained

Ranking = Callable[[Sums], Ordered | None]


@dataclass(frozen=True)
class CountedScorer:
    """Scores an item as the ranking does; 0 for items that it does not list."""

    ranking: Ranking

    of_sums_alone: ClassVar[bool] = True

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


def counted(name: str, settings: type[Any], ranking: Callable[[Any], Ranking]) -> Untrained:
    """Return such a recommender. ``ranking``: by the settings."""
    return Untrained(name, settings, lambda given: CountedScorer(ranking(given)))
