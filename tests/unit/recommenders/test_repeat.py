"""What a user may touch again: by rating and time, on a history small enough to count by hand."""

import numpy as np
import pytest

from core.quality.ranking_quality import Interactions
from core.ranking.columns import NOBODY
from recommenders.cohort import Cohort, scored
from recommenders.port import Question
from recommenders.repeat import RepeatScorer, RepeatSettings
from schemas.event import REMOVE
from schemas.rules import Rules

DAY = 86_400_000
NOW = 1_700_000_000_000
SCORER = RepeatScorer(RepeatSettings(half_life_days=10))


def shop(*rows: tuple[int, int, int]) -> Cohort:
    """(item, weight, days ago) of one user, the earliest first; a second user touches other items later."""
    item, weight, ago = np.array([*rows, (9, 1000, 0)], np.int64).T
    user = np.r_[np.zeros(len(rows), np.int64), 1]
    return Cohort.of(Interactions(user, item, weight, NOW - ago * DAY, 2, 10), Rules())


def scores(cohort: Cohort, most: int = 10, also: int = NOBODY) -> dict[int, float]:
    question = cohort.question(0)
    columns = SCORER.candidates(Question(question.history, cohort, also), most).columns
    return dict(zip(columns.codes.tolist(), columns.scores.tolist(), strict=True))


def test_a_touch_is_worth_half_after_each_half_life_before_the_last_one() -> None:
    by_item = scores(shop((0, 1000, 25), (1, 1000, 15), (2, 1000, 5)))
    assert by_item == pytest.approx({2: 1.0, 1: 0.5, 0: 0.25})


def test_a_rating_counts_as_many_times() -> None:
    assert scores(shop((0, 5000, 10), (1, 1000, 0))) == pytest.approx({0: 2.5, 1: 1.0})


def test_what_was_retracted_is_not_listed() -> None:
    assert scores(shop((0, 1000, 3), (1, 1000, 2), (0, REMOVE, 1))) == {1: 1.0}


def test_the_item_asked_about_comes_beside_the_best() -> None:
    cohort = shop((0, 1000, 20), (1, 1000, 10), (2, 1000, 0))
    assert scores(cohort, 1) == {2: 1.0}
    assert scores(cohort, 1, also=0) == pytest.approx({2: 1.0, 0: 0.25})
    assert scores(cohort, 1, also=9) == {2: 1.0}


def test_the_items_own_touch_is_the_reason() -> None:
    cohort = shop((0, 1000, 10), (1, 1000, 0))
    candidates = SCORER.candidates(cohort.question(0), 10)
    assert candidates.reasons(0) == pytest.approx({0: 0.5})
    assert candidates.reasons(9) == {}


def test_nobody_gets_what_another_touched() -> None:
    cohort = shop((0, 1000, 10), (1, 1000, 0))
    assert scored(SCORER, cohort, np.array([1]))[0].nonzero()[0].tolist() == [9]
