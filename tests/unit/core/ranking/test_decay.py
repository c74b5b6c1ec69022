"""Counts that fade: halves per half-life, exact however they are cut, nothing beyond eight half-lives."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.ranking.decay import HALVINGS, UNIT, faded, hours_of, in_counts

half_lives = st.floats(1, 336)


@given(half_lives)
def test_a_count_is_worth_half_after_each_half_life(half_life: float) -> None:
    worth = faded(half_life)
    assert worth[0] == UNIT
    np.testing.assert_allclose(worth, UNIT * 0.5 ** (np.arange(len(worth)) / half_life), rtol=0, atol=0.5)
    assert (np.diff(worth) <= 0).all()
    assert worth[-1] > UNIT / 2 ** (HALVINGS + 1)


@given(half_lives, st.integers(0, 10**6))
def test_the_hours_that_count_are_those_that_are_worth_something(half_life: float, bucket: int) -> None:
    hours = hours_of(half_life, bucket)
    assert (hours[-1], len(hours)) == (bucket, len(faded(half_life)))


@given(half_lives, st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 10**6)), max_size=40), st.integers(0, 40))
def test_sums_of_units_do_not_depend_on_how_the_counts_were_cut(
    half_life: float, counts: list[tuple[int, int]], cut: int
) -> None:
    worth = faded(half_life).tolist()

    def units(part: list[tuple[int, int]]) -> int:
        return sum(worth[age] * count for age, count in part if age < len(worth))

    whole = units(counts)
    assert units(counts[:cut]) + units(counts[cut:]) == units(counts[::-1]) == whole
    assert in_counts(np.array([whole])).tolist() == [whole / UNIT]
