"""Sums that are lived through event by event are those of a fold of all events so far."""

import numpy as np
import pytest

from core.quality.ranking_quality import Interactions
from recommenders.cohort import Cohort
from recommenders.live import LiveSums
from schemas.event import REMOVE
from schemas.rules import Rules

HOUR_MS = 3_600_000
USERS, ITEMS, EVENTS = 6, 9, 400
RULES = Rules(history_items=4, window_ms=30 * HOUR_MS, counted_per_day=1)


@pytest.fixture(scope="module")
def events() -> Interactions:
    rng = np.random.default_rng(3)
    weight = rng.choice([1_000, 2_000, 5_000, REMOVE], EVENTS, p=[0.5, 0.2, 0.2, 0.1])
    time = np.sort(rng.integers(0, 200 * HOUR_MS, EVENTS)) + 500_000 * HOUR_MS
    return Interactions(rng.integers(0, USERS, EVENTS), rng.integers(0, ITEMS, EVENTS), weight, time, USERS, ITEMS)


NAMES = [b"%010d" % code for code in range(ITEMS)]


@pytest.mark.parametrize("begin", [0, 1, 200])
def test_they_are_the_sums_of_a_fold_of_the_same_events(events: Interactions, begin: int) -> None:
    live = LiveSums(events, RULES, NAMES, begin)
    rated = [end for end in range(max(begin, 225), 250) if events.weight[end - 1] > 0]  # a cohort's newest event is one
    for end in sorted({begin, *rated, 300, 301, 302, EVENTS}):
        live.advance(end)
        cohort = Cohort.of(events.before(end), RULES)
        items = np.arange(ITEMS)
        assert live.norms(items).tolist() == cohort.norms(items).tolist()
        for ours, theirs in zip(live.nearest(items, ITEMS), cohort.nearest(items, ITEMS), strict=True):
            pairs = [
                {c: a for c, a in zip(row.codes.tolist(), row.amounts.tolist(), strict=True) if a}
                for row in (ours, theirs)
                if row is not None
            ]
            assert pairs[0] == pairs[1]
        for hours in (1.0, 4.0, 48.0):
            ours, theirs = live.decayed(hours), cohort.decayed(hours)
            assert (ours is None) == (theirs is None)
            if ours is not None and theirs is not None:
                assert ours.scored.codes.tolist() == theirs.scored.codes.tolist()
                assert ours.scored.scores.tobytes() == theirs.scored.scores.tobytes()
        if end:
            newest, expected = live.newcomers(24), cohort.newcomers(24)
            assert newest is not None
            assert expected is not None
            assert newest.scored.codes.tolist() == expected.scored.codes.tolist()
        ours_rising, theirs_rising = live.rising(24), cohort.rising(24)
        assert (ours_rising is None) == (theirs_rising is None)
        for own, expected_list in (
            *((live.decayed(hours), cohort.decayed(hours)) for hours in (1.0, 48.0)),
            (live.newcomers(24), cohort.newcomers(24)),
        ):
            assert (own is None) == (expected_list is None)
            if own is not None and expected_list is not None:  # what was sorted before is carried on
                assert own.first(5).codes.tolist() == expected_list.first(5).codes.tolist()
        for user in range(USERS):
            ours_asked, theirs_asked = live.question(user), cohort.question(user)
            assert ours_asked.history == theirs_asked.history
            standing = [
                dict(zip(asked.standing.codes.tolist(), asked.standing.ratings.tolist(), strict=True))
                for asked in (ours_asked, theirs_asked)
            ]
            assert standing[0] == standing[1]
