"""What sources cost: counted by a clock that is handed in."""

from itertools import count

import numpy as np

from batch_layer.learning.asking import InteractionsPast
from batch_layer.learning.costs import Costs, answer_ms, ranked_ms, timed_fits
from core.quality.ranking_quality import Interactions
from recommenders import TABLE, recommender, settings_of
from recommenders.cohort import Cohort
from schemas.rules import Rules

NUMBER = 40
EVENTS = Interactions(np.arange(NUMBER) % 8, np.arange(NUMBER) % 5, np.full(NUMBER, 1000), np.arange(NUMBER), 8, 5)


def ticking(step: float) -> object:
    """A clock on which each look takes as long."""
    ticks = count()
    return lambda: next(ticks) * step


def test_training_is_counted_by_model_and_answers_by_source() -> None:
    off: dict[str, dict[str, float]] = {name: {"weight": 0.0} for name in TABLE}
    settings, costs = settings_of({**off, "ease": {"weight": 1.0}}), Costs()
    cohort = Cohort.of(EVENTS, Rules())
    artefacts = timed_fits(InteractionsPast(EVENTS, cohort.names), settings, costs, ticking(2.0))  # type: ignore[arg-type]
    assert set(artefacts) == {"ease"}
    assert costs.training == {"ease": 2.0}
    scorer = recommender("ease").open(artefacts["ease"], settings["ease"])
    assert answer_ms(scorer, cohort, np.arange(8), ticking(0.25)) == 250.0  # type: ignore[arg-type]
    assert ranked_ms(lambda users: np.zeros((len(users), 5)), np.arange(8), ticking(0.5)) == 500.0  # type: ignore[arg-type]


def test_a_source_that_answers_by_the_model_of_another_costs_its_training_and_a_blend_that_of_what_it_asks() -> None:
    training, asked = {"als": 3.0, "ease": 1.5, "sasrec": 30.0}, ("als", "ease", "popular")
    costs = Costs(training, {"als": 0.1, "als_taste": 0.2, "popular": 0.05, "blend": 4.0}, asked)
    assert costs.of("als_taste") == {"training_seconds": 3.0, "answer_ms": 0.2}
    assert costs.of("popular") == {"training_seconds": 0.0, "answer_ms": 0.05}
    assert costs.of("blend") == {"training_seconds": 4.5, "answer_ms": 4.0}
    assert costs.of("ease") == {}
