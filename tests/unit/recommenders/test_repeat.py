"""What a user may touch again: by touches, rating and time, on a shop small enough to count by hand."""

from dataclasses import replace

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
RULES = Rules(window_ms=10_000 * DAY)
SCORER = RepeatScorer(RepeatSettings(half_life_days=10, rhythm=0, popularity=0))


def shop(*rows: tuple[int, int, int], rules: Rules = RULES) -> Cohort:
    """(item, weight, days ago) of one user, the earliest first; a second user touches other items later."""
    item, weight, ago = np.array([*rows, (9, 1000, 0)], np.int64).T
    user = np.r_[np.zeros(len(rows), np.int64), 1]
    return Cohort.of(Interactions(user, item, weight, NOW - ago * DAY, 2, 10), rules)


def scores(cohort: Cohort, most: int = 10, also: int = NOBODY, scorer: RepeatScorer = SCORER) -> dict[int, float]:
    columns = scorer.candidates(replace(cohort.question(0), also=also), most).columns
    return dict(zip(columns.codes.tolist(), columns.scores.tolist(), strict=True))


def test_a_touch_is_worth_half_after_each_half_life_before_the_last_one() -> None:
    by_item = scores(shop((0, 1000, 25), (1, 1000, 15), (2, 1000, 5)))
    assert by_item == pytest.approx({2: 1.0, 1: 0.5, 0: 0.25})


def test_a_rating_counts_as_many_times() -> None:
    assert scores(shop((0, 5000, 10), (1, 1000, 0))) == pytest.approx({0: 2.5, 1: 1.0})


def test_each_touch_counts_also_of_items_that_left_the_history() -> None:
    many = [(8, 1000, 40), (8, 1000, 39), *((item, 1000, 38) for item in range(5))]
    cohort = shop(*many, rules=Rules(history_items=2))
    assert len(cohort.question(0).history.entries) == 2
    assert scores(cohort) == pytest.approx({8: 2 * 2**-0.1} | dict.fromkeys(range(5), 1.0))


def test_what_is_touched_at_long_intervals_fades_as_slowly() -> None:
    slow = RepeatScorer(RepeatSettings(half_life_days=10, rhythm=2, popularity=0))
    rows = (0, 1000, 70), (0, 1000, 20), (1, 1000, 20), (2, 1000, 0)
    assert scores(shop(*rows), scorer=slow) == pytest.approx({0: 2 * 2**-0.2, 1: 0.25, 2: 1.0})


def test_of_items_touched_alike_the_popular_one_comes_first() -> None:
    by_fame = RepeatScorer(RepeatSettings(half_life_days=10, popularity=0.5, half_life_hours=24))
    cohort = shop((0, 1000, 400), (9, 1000, 0), (1, 1000, 0), (2, 1000, 0))  # the second user touches 9 as well
    by_item = scores(cohort, scorer=by_fame)
    assert by_item[9] == pytest.approx((2 + 2**-8) ** 0.5)
    assert by_item[1] == by_item[2] == pytest.approx((1 + 2**-8) ** 0.5)
    assert by_item[0] == pytest.approx(2**-40 * 2**-4)


def test_a_history_that_stands_nowhere_counts_a_touch_of_each_item() -> None:
    question = shop((0, 1000, 10), (0, 1000, 10), (1, 3000, 0)).question(0)
    columns = SCORER.candidates(Question(question.history, question.sums), 10).columns
    assert dict(zip(columns.codes.tolist(), columns.scores.tolist(), strict=True)) == pytest.approx({1: 3.0, 0: 0.5})


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
