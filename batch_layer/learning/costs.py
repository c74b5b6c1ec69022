"""What sources cost in an evaluation: processor seconds of training, and processor milliseconds of one user's answer.

Processor time, as other work on the machine would be counted otherwise. An answer is computed by a server's compiled
kernels, from sums in memory, which a server has decoded or reads from stores.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.quality.ranking_quality import Scorer
from core.ranking.features import PLACES
from recommenders import TABLE, recommender
from recommenders import port as of
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.opened import learners, model_of
from recommenders.past import Past
from recommenders.port import Ints

ASKED = 50  # users

Clock = Callable[[], float]


@dataclass(frozen=True)
class Costs:
    """``training``: seconds by recommender that learned; ``answers``: milliseconds at the median, by source.

    ``blended``: the sources that the blend asks.
    """

    training: dict[str, float] = field(default_factory=dict)
    answers: dict[str, float] = field(default_factory=dict)
    blended: Sequence[str] = ()

    def of(self, source: str) -> dict[str, float]:
        """Return what a report says of a source, nothing of one that was not asked here."""
        if source not in self.answers:
            return {}
        models = {model_of(name) for name in ([source] if source in TABLE else self.blended)}
        seconds = sum(self.training.get(model, 0.0) for model in models)
        return {"training_seconds": round(seconds, 2), "answer_ms": round(self.answers[source], 3)}


def timed_fits(
    past: Past, settings: Mapping[str, Any], costs: Costs, clock: Clock = time.process_time
) -> dict[str, Artefact | None]:
    """Fit each recommender that has a weight and learns, from scratch, and note how long each took."""
    artefacts = {}
    for name in learners(settings):
        begun = clock()
        artefacts[name] = recommender(name).fit(past, settings[name], None)
        costs.training[name] = clock() - begun
    return artefacts


def answer_ms(scorer: of.Scorer, cohort: Cohort, users: Ints, clock: Clock = time.process_time) -> float:
    """Return how long a source takes for one user's candidates, at the median; what users share is computed before."""
    scorer.candidates(cohort.question(int(users[0])), PLACES)
    questions = [cohort.question(user) for user in users[:ASKED].tolist()]
    return median_ms(clock, [lambda own=own: scorer.candidates(own, PLACES) for own in questions])  # type: ignore[misc]


def ranked_ms(ranked: Scorer, users: Ints, clock: Clock = time.process_time) -> float:
    """Return the same of a blend, which asks its sources."""
    ranked(users[:1])
    return median_ms(clock, [lambda at=at: ranked(users[at : at + 1]) for at in range(min(ASKED, len(users)))])  # type: ignore[misc]


def median_ms(clock: Clock, questions: Sequence[Callable[[], object]]) -> float:
    """Return how many milliseconds one of them takes, at the median."""
    taken = []
    for ask in questions:
        begun = clock()
        ask()
        taken.append(clock() - begun)
    return 1_000 * float(np.median(taken))
