"""What is known of candidates themselves: how new they are, and how much of a history is like them."""

from dataclasses import replace

import numpy as np
import pytest

from core.quality.ranking_quality import Interactions
from core.ranking.features import RANKS, Features
from core.ranking.shelves import label_of_brand
from recommenders.cohort import Cohort
from recommenders.live import LiveSums
from recommenders.traits import KEPT, NEW_HOURS, TRAITS, traits_of
from schemas.event import BUCKET_MS
from schemas.rules import Rules

ITEMS, HOUR = 6, BUCKET_MS
END = 500_000 * HOUR
AGES = [0, 1, 10, 100, NEW_HOURS, 3 * NEW_HOURS]  # hours of each item's first event before the end
TEA, POTS = ("tea", label_of_brand("A")), ("pots", label_of_brand("B"))
LABELS = [TEA, POTS, ("tea", "gifts"), (), TEA, POTS]


def events() -> Interactions:
    """User 1 touches each item once when it is new; at the end user 0 touches item 4, then item 5 twice as strongly."""
    order = np.argsort(AGES)[::-1]
    item = np.r_[np.arange(ITEMS)[order], 4, 5]
    time = END - np.r_[np.array(AGES)[order], 0, 0] * HOUR
    weight = np.r_[np.full(ITEMS + 1, 1_000), 2_000]
    user = np.r_[np.ones(ITEMS, np.int64), 0, 0]
    return Interactions(user, item, weight, time, 2, ITEMS, LABELS)


def candidates(number: int = ITEMS) -> Features:
    """Items in the order of their codes by the only signal."""
    items, ranks = np.arange(number), RANKS[:number]
    return Features(items, items, ranks, ranks, np.array([0, number]))


def cohort() -> Cohort:
    return Cohort.of(events(), Rules())


def trait(name: str, own: Cohort | None = None, user: int = 0) -> list[float]:
    values: list[float] = traits_of((own or cohort()).question(user), candidates(), [name])[:, 0].tolist()
    return values


def test_an_item_is_the_newer_the_later_its_first_event() -> None:
    values = trait("newness")
    assert values[0] == 1.0
    assert values[:4] == sorted(values[:4], reverse=True)
    assert 0 < values[3] < values[2] < values[1] < 1
    assert values[4:] == [0.0, 0.0]


def test_an_item_matches_by_the_share_of_the_history_that_is_of_its_category_and_brand() -> None:
    tea, pots, gifts, nothing, *_ = trait("category")
    assert 0 < tea < pots < 1  # pots were touched last, and twice as strongly
    assert tea == gifts
    assert nothing == 0
    tea, pots, gifts, nothing, *_ = trait("brand")
    assert 0 < tea < pots < 1
    assert gifts == nothing == 0


def test_reach_counts_all_that_stands_and_frequency_what_was_touched_lately() -> None:
    """Items 4 and 5 are the old ones, which a second user has just touched."""
    widely, lately = trait("reach"), trait("frequency")
    assert 0 < widely[0] == widely[3] < widely[4] < widely[5] < 1  # two users like 5 three times as much as one likes 0
    assert 0.9 < lately[5] < lately[4] == 1.0  # what was touched of 4 before has not faded as far
    assert 0 < lately[3] < lately[0] < 1
    assert trait("reach_squared") == pytest.approx(np.square(widely))


def test_nobody_reaches_for_anything_in_an_empty_log() -> None:
    nothing = np.zeros(0, np.int64)
    empty = Cohort.of(Interactions(nothing, nothing, nothing, nothing, 1, ITEMS), Rules())
    assert not any(trait("reach", empty) + trait("frequency", empty))


def test_a_history_of_one_category_matches_it_wholly() -> None:
    only = replace(cohort(), labels_of=[("tea",), (), (), (), ("tea",), ("tea",)])
    assert trait("category", only) == pytest.approx([1, 0, 0, 0, 1, 1])


def test_nothing_matches_where_nobody_knows_categories() -> None:
    unlabelled = replace(cohort(), labels_of=())
    assert not any(trait("category", unlabelled) + trait("brand", unlabelled))


def test_categories_are_read_of_the_foremost_candidates_alone() -> None:
    many = replace(cohort(), labels_of=[TEA] * (2 * KEPT))
    values = traits_of(many.question(0), candidates(2 * KEPT), ["category"])[:, 0]
    assert np.flatnonzero(values).tolist() == list(range(KEPT))


def test_a_trait_of_another_version_says_nothing() -> None:
    known = traits_of(cohort().question(0), candidates(), ["newness", "unheard of"])
    assert known[:, 0].any()
    assert not known[:, 1].any()


def test_a_log_that_is_lived_through_knows_the_same_as_its_fold() -> None:
    log, folded = events(), cohort()
    live = LiveSums(log, Rules(), folded.names, 0)
    live.advance(len(log))
    for user in (0, 1):
        ours, theirs = (traits_of(asked.question(user), candidates()) for asked in (live, folded))
        assert ours.shape == (ITEMS, len(TRAITS))
        assert ours.tobytes() == theirs.tobytes()


def test_two_lists_of_one_question_are_not_mixed_up() -> None:
    question = cohort().question(0)
    first = traits_of(question, candidates(), ["category"])
    turned = candidates()._replace(codes=candidates().codes[::-1].copy())
    assert traits_of(question, turned, ["category"])[::-1].tobytes() == first.tobytes()
