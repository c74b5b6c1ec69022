"""Confidence as it is learnt and read: near the true share of hits, never falling, and level beyond what was seen."""

import numpy as np
import pytest

from core.quality.calibration import FEWEST, calibrated, calibrated_by_user, calibrated_choice, outcomes
from core.quality.ranking_quality import Judged
from core.ranking.blend import confidence
from core.ranking.learned import Learned


def test_what_is_learnt_is_near_the_truth_and_never_falls() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(40_000)
    knots = calibrated(scores, (rng.random(40_000) < scores**2).astype(float))
    assert [confidence(knots, at) for at in (0.2, 0.5, 0.8)] == pytest.approx([0.04, 0.25, 0.64], abs=0.03)
    rates = [confidence(knots, at) for at in np.linspace(-0.1, 1.1, 200).tolist()]
    assert rates == sorted(rates)
    assert len(set(rates)) > 10


def test_where_hits_fall_with_the_score_neighbours_are_pooled() -> None:
    scores = np.linspace(0, 1, FEWEST)
    [(at, rate)] = calibrated(scores, (scores < 0.3).astype(float))
    assert (at, rate) == pytest.approx((0.5, 0.3))
    assert [score for score, _ in calibrated(scores, (scores > 0.5).astype(float))] == pytest.approx(
        [0.25, 0.75], abs=0.01
    )


def test_too_few_events_calibrate_nothing_and_the_score_stands() -> None:
    assert calibrated(np.ones(FEWEST - 1), np.ones(FEWEST - 1)) == []
    assert [confidence([], score) for score in (-1.0, 0.25, 1.5)] == [0.0, 0.25, 1.0]


def test_between_knots_it_is_linear_and_beyond_them_level() -> None:
    knots = [(0.2, 0.1), (0.6, 0.5)]
    assert [confidence(knots, score) for score in (0.0, 0.2, 0.4, 0.6, 0.9)] == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.5])


def test_outcomes_are_of_the_first_ten_listed_items_with_a_score() -> None:
    seen = (np.array([0]), np.array([4]))
    asked = Judged(np.array([0, 2]), [np.array([1, 3]), np.array([0])], np.array([True] * 5 + [False]), seen, 0.0)
    scores = np.array([[0.0, 0.5, 0.4, 0.0, 0.9, 0.9], [9, 9, 9, 9, 9, 9], [0.3, 0.2, 0.1, 0.0, 0.0, 0.9]])
    listed, hits = outcomes(asked, lambda users: scores[users])
    assert listed.tolist() == [0.5, 0.4, 0.3, 0.2, 0.1]
    assert hits.tolist() == [1, 0, 1, 0, 0]


def test_a_curve_is_near_the_truth_with_few_recommendations_and_never_falls() -> None:
    rng = np.random.default_rng(2)
    scores = np.exp(rng.normal(-4, 1, 2_000))
    truth = 1 / (1 + np.exp(-(np.log(scores) + 1)))
    knots = calibrated_choice(scores, (rng.random(2_000) < truth).astype(float))
    at = np.quantile(scores, [0.1, 0.5, 0.9])
    expected = 1 / (1 + np.exp(-(np.log(at) + 1)))
    assert [confidence(knots, score) for score in at.tolist()] == pytest.approx(expected.tolist(), rel=0.3)
    assert [rate for _, rate in knots] == sorted(rate for _, rate in knots)


def test_a_curve_is_level_where_hits_fall_with_the_score_or_nobody_knows() -> None:
    scores = np.linspace(0.01, 0.5, 1_000)
    falling = [rate for _, rate in calibrated_choice(scores, (scores < 0.1).astype(float))]
    assert falling == pytest.approx([float((scores < 0.1).mean())] * len(falling), abs=0.01)
    two = [rate for _, rate in calibrated_choice(np.array([0.1, 0.2]), np.array([0.0, 1.0]))]
    assert two[-1] - two[0] < 0.5
    assert [rate for _, rate in calibrated_choice(np.full(40, 0.1), np.r_[1.0, np.zeros(39)])] == pytest.approx(
        [1 / 40], abs=0.02
    )
    assert all(0 < rate < 0.01 for _, rate in calibrated_choice(scores, np.zeros(1_000)))
    assert calibrated_choice(np.zeros(0), np.zeros(0)) == []
    assert calibrated_choice(np.zeros(9), np.zeros(9)) == []


def test_who_has_touched_many_items_is_told_more_at_the_same_score_where_the_log_says_so() -> None:
    rng = np.random.default_rng(5)
    scores, much = np.exp(rng.normal(-4, 1, 20_000)), rng.random(20_000)
    contexts = np.column_stack([np.ones(20_000), much, rng.random(20_000)])
    truth = 1 / (1 + np.exp(-(np.log(scores) + 1 + 2 * much)))
    hits = (rng.random(20_000) < truth).astype(float)
    knots, sure = calibrated_by_user(scores, hits, contexts)
    blend = Learned.from_json(Learned((), (), knots, sure=sure).to_json())
    for user, score in ((0.1, 0.01), (0.9, 0.01), (0.1, 0.05), (0.9, 0.05)):
        said = confidence(blend.knots_for(np.array([1.0, user, 0.5])), score)
        assert said == pytest.approx(1 / (1 + np.exp(-(np.log(score) + 1 + 2 * user))), rel=0.1)


def test_users_who_are_all_alike_or_scores_that_say_nothing_raise_no_score() -> None:
    rng = np.random.default_rng(6)
    scores, hits = rng.random(1_000), (rng.random(1_000) < 0.1).astype(float)
    alike, others = np.ones((1_000, 3)), np.column_stack([np.ones((1_000, 2)), rng.random(1_000)])
    assert calibrated_by_user(scores, (rng.random(1_000) < scores).astype(float), alike)[1] == (0.0, 0.0, 0.0)
    assert calibrated_by_user(np.full(1_000, 0.2), hits, others)[1] == (0.0, 0.0, 0.0)
    assert calibrated_by_user(np.zeros(9), np.zeros(9), alike[:9]) == ([], (0.0, 0.0, 0.0))


def test_a_blend_of_an_earlier_version_has_the_same_knots_for_everybody() -> None:
    old = Learned((), (), [(0.1, 0.2), (0.3, 0.4)])
    assert old.knots_for(np.array([1.0, 0.4, 0.2])) == old.knots
