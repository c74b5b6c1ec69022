"""How sure a mean is, and that one user alone says nothing of it."""

import numpy as np
import pytest

from core.quality.intervals import difference, interval

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
