"""What the settings of ``similar`` do, on sums small enough to count by hand."""

import numpy as np
import pytest

from core.quality.ranking_quality import Interactions
from core.ranking.columns import NOBODY
from recommenders.cohort import Cohort, scored
from recommenders.port import Question
from recommenders.similar import SimilarScorer, SimilarSettings
from schemas.rules import Rules

VIEW = 1_000
PLAIN = SimilarSettings(step_back=1.0, shrinkage=0.0)


def shop(shrinkage: float = 0.0) -> Cohort:
    """Nine users touch 0 and 1; one touches 2 and 3; the last touches 0, then 2, and is asked about."""
    rows = [(user, item) for user in range(9) for item in (0, 1)] + [(9, 2), (9, 3), (10, 0), (10, 2)]
    user, item = np.array(rows, np.int64).T
    time = 1_700_000_000_000 + np.arange(len(user))
    return Cohort.of(Interactions(user, item, np.full(len(user), VIEW), time, 11, 4), Rules(), shrinkage=shrinkage)


def scores(settings: SimilarSettings, cohort: Cohort, also: int = NOBODY) -> dict[int, float]:
    question = cohort.question(10)
    columns = SimilarScorer(settings).candidates(Question(question.history, cohort, also), 10).columns
    return dict(zip(columns.codes.tolist(), columns.scores.tolist(), strict=True))


def test_similarities_of_the_history_add_up() -> None:
    by_item = scores(PLAIN, shop())
    assert by_item[1] == pytest.approx(9 / np.sqrt(10 * 9))
    assert by_item[3] == pytest.approx(1 / np.sqrt(2 * 1))


def test_an_item_touched_earlier_counts_less_by_each_step() -> None:
    plain, softer = scores(PLAIN, shop()), scores(SimilarSettings(step_back=0.25, shrinkage=0.0), shop())
    assert softer[1] == pytest.approx(plain[1] / 4)
    assert softer[3] == plain[3]


def test_shrinkage_halves_the_similarity_of_that_co_rating() -> None:
    plain, shrunk = scores(PLAIN, shop()), scores(SimilarSettings(step_back=1.0, shrinkage=9.0), shop())
    assert shrunk[1] == pytest.approx(plain[1] / 2)
    assert shrunk[3] == pytest.approx(plain[3] / 10)


@pytest.mark.parametrize(("of_reading", "own"), [(9.0, 0.0), (9.0, 2.0), (2.0, 9.0)])
def test_the_greater_of_both_shrinkages_counts(of_reading: float, own: float) -> None:
    expected = scores(SimilarSettings(step_back=1.0, shrinkage=9.0), shop())
    assert scores(SimilarSettings(step_back=1.0, shrinkage=own), shop(of_reading)) == expected


@pytest.mark.parametrize("power", [-0.5, 0.5, 1.0])
def test_tempering_divides_a_score_by_a_power_of_the_items_norm(power: float) -> None:
    settings, cohort = SimilarSettings(step_back=1.0, shrinkage=0.0, tempering=power), shop()
    plain, tempered = scores(PLAIN, cohort), scores(settings, cohort)
    assert tempered[1] == pytest.approx(plain[1] / 9**power)
    assert tempered[3] == pytest.approx(plain[3])  # its norm is 1
    dense = scored(SimilarScorer(settings), cohort, np.array([10]))[0]
    assert {code: dense[code] for code in tempered} == pytest.approx(tempered)


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_what_the_history_items_say_for_an_item_adds_up_to_its_score(power: float) -> None:
    settings, cohort = SimilarSettings(tempering=power), shop()
    candidates = SimilarScorer(settings).candidates(cohort.question(10), 10)
    for code, score in zip(candidates.columns.codes.tolist(), candidates.columns.scores.tolist(), strict=True):
        assert sum(candidates.reasons(code).values()) == pytest.approx(score)
