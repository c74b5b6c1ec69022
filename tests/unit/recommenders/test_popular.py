"""What is popular: counts that fade, by construction."""

import numpy as np
import pytest

from core.quality.ranking_quality import Interactions
from recommenders.cohort import Cohort
from recommenders.popular import HALF_LIVES_HOURS, RECOMMENDER, PopularSettings, counts_at
from schemas.rules import Rules

HOUR = 3_600_000
NOW = 1_700_000_000_000 // HOUR


def touched(*hours_ago: tuple[int, int]) -> Cohort:
    """Items, each touched once by a new user so many hours ago."""
    item, ago = np.array(sorted(hours_ago, key=lambda row: -row[1]), np.int64).reshape(-1, 2).T
    items = int(item.max(initial=0)) + 1
    events = Interactions(np.arange(len(item)), item, np.full(len(item), 1000), (NOW - ago) * HOUR, len(item), items)
    return Cohort.of(events, Rules())


def popular(half_life: float, *hours_ago: tuple[int, int]) -> dict[int, float]:
    """The scores of items, each touched once by a new user so many hours ago."""
    scorer = RECOMMENDER.open(None, PopularSettings(half_life_hours=half_life))
    columns = scorer.candidates(touched(*hours_ago).question(0), 10).columns
    return dict(zip(columns.codes.tolist(), columns.scores.tolist(), strict=True))


def test_one_event_now_weighs_as_much_as_two_a_half_life_ago() -> None:
    assert popular(10, (0, 0), (1, 10), (1, 10), (2, 20)) == {0: 1.0, 1: 1.0, 2: 0.25}


def test_what_was_frequent_long_ago_gives_way_to_what_is_frequent_now() -> None:
    long_ago, lately = [(0, 24)] * 10, [(1, 1)] * 3
    assert max(both := popular(6, *long_ago, *lately), key=lambda item: both[item]) == 1
    assert max(both := popular(72, *long_ago, *lately), key=lambda item: both[item]) == 0


def test_events_older_than_eight_half_lives_do_not_count() -> None:
    assert popular(2, (0, 0), (1, 15), (2, 16)) == pytest.approx({0: 1.0, 1: 2**-7.5}, abs=1e-6)


def test_counts_at_several_half_lives_are_those_of_each_by_itself_and_0_where_nothing_counts() -> None:
    cohort = touched((0, 0), (2, 3), (2, 700), (3, 10_000))
    counts = counts_at(cohort, np.array([2, 1, 0, 3]))
    for hours, row in zip(HALF_LIVES_HOURS, counts.tolist(), strict=True):
        alone = popular(hours, (0, 0), (2, 3), (2, 700), (3, 10_000))
        assert row == [alone.get(item, 0.0) for item in (2, 1, 0, 3)]
    assert counts[0][2] == 1.0
    assert (counts[1:, 0] > counts[:-1, 0]).all()
    assert not counts[:, 3].any()


def test_where_nothing_was_counted_every_decayed_count_is_0() -> None:
    assert not counts_at(touched(), np.array([0, 5])).any()
