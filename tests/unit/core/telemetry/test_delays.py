"""Delays in buckets: what is added, joined, packed and read out of them, against the values themselves."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.telemetry.delays import BOUNDS_MS, RUNS, Delays, arrivals

MEASURED = st.lists(st.integers(0, 10**9), min_size=1, max_size=300)


def delays_of(values: list[int]) -> Delays:
    delays = Delays()
    for value in values:
        delays.add(value, 1)
    return delays


@given(MEASURED, st.sampled_from([0.5, 0.95, 0.99]))
def test_a_share_is_told_within_a_bucket_of_what_was_measured(values: list[int], share: float) -> None:
    exact = sorted(values)[ceil(share * len(values)) - 1]
    seconds = delays_of(values).seconds(share)
    assert seconds is not None
    assert exact / 2**0.25 - 1 <= seconds * 1000 <= exact * 2**0.25 + 1


@given(MEASURED, MEASURED)
def test_joined_delays_are_those_of_all_values_and_survive_packing(a: list[int], b: list[int]) -> None:
    joined = Delays.joined([delays_of(a), delays_of(b)])
    assert joined == delays_of(a + b) == Delays.unpacked(joined.packed())
    assert (joined.events, joined.seconds(1.0)) == (len(a) + len(b), max(a + b) / 1000)
    assert joined.without(delays_of(a)).counts == delays_of(b).counts


def test_a_clock_that_was_set_back_counts_as_no_delay() -> None:
    delays = Delays()
    delays.add(-5, 2)
    assert (delays.events, delays.seconds(0.5)) == (2, 0.0)


def test_nothing_counted_has_no_delay() -> None:
    assert Delays().seconds(0.5) is None
    assert Delays.unpacked(Delays().packed()) == Delays()


def test_a_row_of_one_hour_stays_small() -> None:
    assert len(delays_of([bound + 1 for bound in (0, *BOUNDS_MS)]).packed()) < 3_000


@given(st.lists(st.integers(0, 2**41), max_size=500))
def test_runs_hold_every_record_and_none_is_younger_than_it_was(times: list[int]) -> None:
    runs = arrivals(np.array(times, np.int64))
    oldest, sizes = runs[::2], runs[1::2]
    assert sum(sizes) == len(times)
    assert len(sizes) == min(len(times), RUNS)
    at = 0
    for first, size in zip(oldest, sizes, strict=True):
        assert first == min(times[at : at + size])
        at += size


@pytest.mark.parametrize("count", [1, RUNS])
def test_few_records_are_kept_one_by_one(count: int) -> None:
    assert arrivals(np.arange(count))[::2] == tuple(range(count))
