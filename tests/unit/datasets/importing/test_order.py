"""Events of an import in order of time, in memory and over runs on disk, and shares of them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.importing import runs
from datasets.importing.order import TimeOrder, cut
from datasets.mapping.by_columns import Made

Line = tuple[int, str, bytes]


def made(times: Sequence[int], per_block: int = 1) -> list[Made]:
    """Return events of these times whose users and texts are their places, in blocks."""
    blocks = [range(len(times))[start : start + per_block] for start in range(0, len(times), per_block)]
    return [
        Made(list(places), [times[p] for p in places], [f"ü{p}" for p in places], [b"%d" % p for p in places],
             [""] * len(places), [""] * len(places), [])
        for places in blocks
    ]  # fmt: skip


def read(order: TimeOrder, first: int = 0, last: int | None = None) -> list[Line]:
    blocks = order.blocks(first, last)
    return [line for times, users, texts in blocks for line in zip(times.tolist(), users, texts, strict=True)]


def expected(times: Sequence[int]) -> list[Line]:
    return [(times[p], f"ü{p}", b"%d" % p) for p in sorted(range(len(times)), key=times.__getitem__)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "BLOCK", 3)


@given(st.lists(st.integers(0, 12), max_size=60), st.integers(1, 20), st.integers(1, 9))
def test_events_come_out_in_time_order_and_equal_times_in_file_order(
    times: list[int], run_events: int, per_block: int
) -> None:
    assert read(TimeOrder(made(times, per_block), run_events)) == expected(times)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_a_part_of_the_order_is_that_part_of_all(times: list[int], first: int, last: int) -> None:
    for run_events in (4, 100):
        assert read(TimeOrder(made(times), run_events), first, last) == expected(times)[first:last]


def test_runs_that_follow_one_another_are_read_one_after_the_other_without_a_sort() -> None:
    blocks = list(TimeOrder(made(range(20), 5), 5).blocks())
    assert [len(block.texts) for block in blocks] == [3, 2] * 4
    assert [text for block in blocks for text in block.texts] == [b"%d" % place for place in range(20)]


def test_an_order_that_is_not_read_leaves_no_open_file() -> None:
    assert TimeOrder(made(range(20)), 3).count == 20  # a file left open is a warning, which fails a test


def test_two_shares_that_meet_cover_everything_once() -> None:
    for count in (0, 1, 7, 10, 99):
        for fraction in (0.0, 0.1, 1 / 3, 0.7, 1.0):
            assert cut(count, 0.0, fraction, None)[1] == cut(count, fraction, 1.0, None)[0]
    assert cut(10, 0.7, 1.0, 2) == (7, 9)
