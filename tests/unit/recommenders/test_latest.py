"""What is new: first counted lately, the newest first."""

import numpy as np
import pytest

from core.quality.ranking_quality import Interactions
from recommenders.cohort import Cohort
from recommenders.latest import RECOMMENDER, LatestSettings
from schemas.rules import Rules

HOUR = 3_600_000
NOW = 1_700_000_000_000 // HOUR


def latest(hours: int, *hours_ago: tuple[int, int]) -> dict[int, float]:
    """The scores of items, each touched so many hours ago by a user of its own."""
    item, ago = np.array(sorted(hours_ago, key=lambda row: -row[1]), np.int64).T
    weight, users = np.full(len(item), 1000), np.arange(len(item))
    events = Interactions(users, item, weight, (NOW - ago) * HOUR, len(item), int(item.max()) + 1)
    cohort = Cohort.of(events, Rules())
    columns = RECOMMENDER.open(None, LatestSettings(hours=hours)).candidates(cohort.question(0), 10).columns
    return dict(zip(columns.codes.tolist(), columns.scores.tolist(), strict=True))


def test_the_newest_item_comes_first_however_often_others_occur() -> None:
    assert latest(10, (0, 0), (1, 4), (1, 3), (1, 0)) == pytest.approx({0: 1.0, 1: 0.6})


def test_an_item_is_new_for_so_many_hours() -> None:
    assert latest(10, (0, 9), (1, 10), (2, 0)) == pytest.approx({0: 0.1, 2: 1.0})


def test_an_old_item_is_not_new_when_it_occurs_again() -> None:
    assert latest(10, (0, 20), (0, 0), (1, 1)) == pytest.approx({1: 0.9})


def test_an_item_that_had_no_event_for_three_times_as_long_is_new_again() -> None:
    assert set(latest(10, (0, 39), (0, 0))) == set()
    assert set(latest(10, (0, 40), (0, 0))) == {0}
