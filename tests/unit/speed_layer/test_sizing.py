"""Micro-batches size themselves by the lag and by what they took."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.control import Offsets
from speed_layer.sizing import GROWTH, LEAST, TARGET_SECONDS, Sizing, Taken, cut, next_size

sizes = st.integers(1, 10**9)
befores = st.none() | st.builds(Taken, sizes, st.floats(0, 10_000))
ranges = st.dictionaries(st.integers(0, 20), st.tuples(st.integers(0, 10**9), st.integers(0, 10**7)), min_size=1)


@given(sizes, sizes, befores)
def test_a_micro_batch_takes_no_more_than_waits_nor_than_the_setting_allows(
    lag: int, most: int, before: Taken | None
) -> None:
    assert 1 <= next_size(lag, most, before) <= min(lag, most)


@given(st.integers(1, LEAST), befores)
def test_a_small_lag_is_taken_at_once(lag: int, before: Taken | None) -> None:
    assert next_size(lag, 10**9, before) == lag


@given(sizes, befores)
def test_a_slow_machine_never_falls_back_to_tiny_micro_batches(lag: int, before: Taken | None) -> None:
    assert next_size(lag, 10**9, before) >= min(lag, LEAST)


@pytest.mark.parametrize(
    ("before", "size"),
    [
        (None, LEAST),
        (Taken(200_000, TARGET_SECONDS), 200_000),
        (Taken(200_000, TARGET_SECONDS / 2), 400_000),
        (Taken(600_000, TARGET_SECONDS * 2), 300_000),
        (Taken(200_000, 0.0), GROWTH * 200_000),
    ],
)
def test_the_next_one_is_as_large_as_takes_the_target_time(before: Taken | None, size: int) -> None:
    assert next_size(10**9, 10**9, before) == size


@given(ranges, sizes)
def test_a_cut_lies_within_the_range_and_has_exactly_the_size(given: dict[int, tuple[int, int]], size: int) -> None:
    start, end = _range(given)
    middle = cut(start, end, size)
    assert all(start[p] <= middle[p] <= end[p] for p in end)
    assert _records(start, middle) == min(size, _records(start, end))


@given(ranges, st.integers(10**5, 10**9), st.floats(0.001, 100_000))
def test_a_range_is_used_up_in_as_many_micro_batches_as_it_takes(
    given: dict[int, tuple[int, int]], most: int, rate: float
) -> None:
    (at, end), sizing, taken = _range(given), Sizing(most), 0
    start, all_of_it = at, _records(at, end)
    while at != end:
        to = sizing.next_end(at, end)
        records = _records(at, to)
        assert 1 <= records <= most
        sizing.took(records, records / (rate * 1_000))
        at, taken = to, taken + records
    assert taken == all_of_it == _records(start, end)


def test_a_small_micro_batch_says_nothing_about_large_ones() -> None:
    sizing = Sizing(10**9, Taken(1_000_000, 10.0))
    sizing.took(300, 0.2)
    assert sizing.before == Taken(1_000_000, 10.0)


def test_a_setting_below_the_least_size_is_kept_to() -> None:
    sizing = Sizing(100)
    assert sizing.next_end({0: 0, 1: 500}, {0: 1_000, 1: 500}) == {0: 100, 1: 500}
    sizing.took(100, 1.0)
    assert sizing.next_end({0: 100, 1: 500}, {0: 1_000, 1: 500}) == {0: 200, 1: 500}


def _range(given: dict[int, tuple[int, int]]) -> tuple[Offsets, Offsets]:
    return {p: first for p, (first, _) in given.items()}, {p: first + more for p, (first, more) in given.items()}


def _records(start: Offsets, end: Offsets) -> int:
    return sum(end[p] - start[p] for p in end)
