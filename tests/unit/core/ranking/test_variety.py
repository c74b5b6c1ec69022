"""New items get a share of a list, categories a cap; the same question has the same list."""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.ranking.variety import NEIGHBOURING, Chances, Place, capped, drawn, explored, sampled_rates

Rows = Sequence[tuple[bytes, int]]
RANKING = [(b"i%03d" % k, k) for k in range(500)]
NEW = [b"n%03d" % k for k in range(100)]


def with_new(
    user: bytes, share: float, new: Sequence[bytes] = NEW, among: Rows = RANKING
) -> Iterator[tuple[bytes, int]]:
    return explored(among, Chances(user, share, new, lambda _, displaced: displaced))


def test_a_share_of_places_goes_to_new_items_each_once_and_the_rest_keep_their_order() -> None:
    listed = list(islice(with_new(b"u", 0.2), 300))
    new = [name for name, _ in listed if name.startswith(b"n")]
    assert 30 <= len(new) <= 90
    assert new == NEW[: len(new)]
    assert len({name for name, _ in listed}) == len(listed)
    assert [score for _, score in listed] == sorted(score for _, score in listed)  # each has that of what it displaced
    assert [name for name, _ in listed if name.startswith(b"i")] == [b"i%03d" % k for k in range(300 - len(new))]


def test_the_same_user_gets_the_same_places_and_another_user_others() -> None:
    def places(user: bytes) -> list[int]:
        rows = islice(with_new(user, 0.3), 60)
        return [k for k, (name, _) in enumerate(rows) if name.startswith(b"n")]

    assert places(b"u") == places(b"u")
    assert places(b"u") != places(b"v")


def test_an_item_of_the_ranking_that_is_given_a_chance_is_listed_once() -> None:
    new = [name for name, _ in RANKING[10:15]]
    listed = [name for name, _ in with_new(b"u", 0.5, new, RANKING[:20])]
    assert sorted(listed) == [name for name, _ in RANKING[:20]]


def test_without_a_share_the_ranking_stays_as_it_is() -> None:
    assert list(with_new(b"u", 0.0)) == RANKING


def test_draws_lie_between_0_and_1_evenly() -> None:
    draws = [drawn(b"x", b"%d" % k) for k in range(4_000)]
    assert 0 < min(draws) < max(draws) < 1
    assert abs(np.mean(draws) - 0.5) < 0.03
    assert drawn(b"a", b"bc") != drawn(b"ab", b"c")


def test_the_more_is_known_of_an_item_the_less_its_draws_differ() -> None:
    draws = np.linspace(0.05, 0.95, 19)
    few, many = (np.log(sampled_rates(np.full(19, c), np.full(19, c), 1.0, draws)) for c in (1, 1_000))
    assert np.ptp(many) < np.ptp(few) / 5
    assert all(a < b for a, b in pairwise(few.tolist()))


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=60), st.integers(1, 4))
def test_capping_lists_every_row_once_and_breaks_the_cap_only_where_nothing_else_is_left(
    categories: list[str | None], most: int
) -> None:
    order = list(capped([Place(category, k) for k, category in enumerate(categories)], most))
    assert sorted(order) == list(range(len(categories)))
    for at in range(len(order)):
        near = [categories[k] for k in order[max(0, at - NEIGHBOURING + 1) : at]]
        own, later = categories[order[at]], [categories[k] for k in order[at + 1 :]]
        if own is not None and near.count(own) >= most:
            assert all(other is not None and near.count(other) >= most for other in later)


def test_a_ranking_within_the_cap_stays_as_it_is() -> None:
    assert list(capped([Place("ab"[k % 2], k) for k in range(30)], 5)) == list(range(30))


@given(
    st.lists(st.sampled_from(["a", "b", None]), max_size=40), st.sets(st.integers(0, 39), max_size=4), st.integers(1, 3)
)
def test_what_a_rule_pins_keeps_its_place_however_categories_are_capped(
    categories: list[str | None], pins: set[int], most: int
) -> None:
    rows = [Place(category, k, k in pins) for k, category in enumerate(categories)]
    order = list(capped(rows, most))
    assert sorted(order) == list(range(len(rows)))
    assert all(order[k] == k for k in pins if k < len(rows))


def test_a_row_that_the_cap_defers_does_not_move_a_pinned_one_up() -> None:
    rows = [Place("a", 0), Place("a", 1), Place("a", 2, pinned=True), Place("b", 3)]
    assert list(capped(rows, 1)) == [0, 3, 2, 1]
