"""How sure a mean is, and that one user alone says nothing of it."""

import numpy as np
import pytest

from core.quality.intervals import difference, interval, surely_below

ONE_USERS = np.zeros(5, np.int64)


@pytest.mark.parametrize("values", [np.zeros(0), np.ones(1)])
def test_fewer_than_two_users_have_no_interval(values: np.ndarray) -> None:
    assert interval(values) is None
    assert difference(values, values) == (0.0, None)


def test_many_events_of_one_user_have_no_interval() -> None:
    values = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    assert interval(values, ONE_USERS) is None
    assert difference(values, 1 - values, ONE_USERS) == (0.2, None)


def test_two_users_have_an_interval_that_holds_the_mean() -> None:
    assert interval(np.array([0.0, 1.0])) == [0.0, 1.0]
    assert interval(np.array([0.0, 1.0, 1.0]), np.array([3, 3, 9])) == [0.5, 1.0]


def test_the_least_of_many_differences_must_be_further_below_nothing_than_one_alone() -> None:
    gaps, users = np.random.default_rng(5).normal(0, 1, (2_000, 20, 50)), np.arange(50)
    assert surely_below(-0.2, [-0.4, -0.01])
    assert not surely_below(-0.2, [-0.4, 0.01])
    assert not surely_below(-0.2, [-0.4, -0.01], tried=20)
    assert surely_below(-0.5, [-0.7, -0.3], tried=20)
    least = [own[int(own.mean(axis=1).argmin())] for own in gaps[:100]]
    fooled = [
        [surely_below(float(own.mean()), interval(own, users) or [], tried) for own in least] for tried in (1, 20)
    ]
    assert sum(fooled[0]) > 20  # of a hundred, none of which is below 0
    assert sum(fooled[1]) < 10
