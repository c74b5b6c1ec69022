"""What is popular: counts that fade, by construction."""

import numpy as np
import pytest

from core.ranking.ranking_quality import Interactions
from recommenders.cohort import Cohort
from recommenders.popular import RECOMMENDER, PopularSettings
from schemas.rules import Rules

HOUR = 3_600_000
NOW = 1_700_000_000_000 // HOUR


def popular(half_life: float, *hours_ago: tuple[int, int]) -> dict[int, float]:
    """The scores of items, each touched once by a new user so many hours ago."""
    item, ago = np.array(sorted(hours_ago, key=lambda row: -row[1]), np.int64).T
    events = Interactions(
        np.arange(len(item)), item, np.full(len(item), 1000), (NOW - ago) * HOUR, len(item), int(item.max()) + 1
    )
    cohort = Cohort.of(events, Rules())
    scorer = RECOMMENDER.open(None, PopularSettings(half_life_hours=half_life))
    columns = scorer.candidates(cohort.question(0), 10).columns
    return dict(zip(columns.codes.tolist(), columns.scores.tolist(), strict=True))


def test_one_event_now_weighs_as_much_as_two_a_half_life_ago() -> None:
    assert popular(10, (0, 0), (1, 10), (1, 10), (2, 20)) == {0: 1.0, 1: 1.0, 2: 0.25}


def test_what_was_frequent_long_ago_gives_way_to_what_is_frequent_now() -> None:
    long_ago, lately = [(0, 24)] * 10, [(1, 1)] * 3
    assert max(both := popular(6, *long_ago, *lately), key=lambda item: both[item]) == 1
    assert max(both := popular(72, *long_ago, *lately), key=lambda item: both[item]) == 0


def test_events_older_than_eight_half_lives_do_not_count() -> None:
    assert popular(2, (0, 0), (1, 15), (2, 16)) == pytest.approx({0: 1.0, 1: 2**-7.5}, abs=1e-6)
