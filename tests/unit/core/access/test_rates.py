"""Rates: as text, and as a window that moves with time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access.rates import Rate, Window
from schemas.errors import SettingsError

RATE = Rate(10, 60)
steps = st.lists(st.floats(0, 40), min_size=1, max_size=200)


def test_a_rate_is_a_number_in_a_unit_of_time() -> None:
    assert Rate.of("6000/m") == Rate(6000, 60)
    assert Rate.of("") is None


@pytest.mark.parametrize("text", ["10", "0/s", "-1/s", "10/s ", "10/w", "1.5/s", "ten/s", "9999999999/s"])
def test_any_other_text_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(SettingsError, match="6000/m"):
        Rate.of(text)


@given(steps)
def test_no_more_than_the_rate_passes_in_a_fixed_window_and_a_quiet_one_frees_all(
    waits: list[float],
) -> None:
    window, now = Window(RATE), 1_000.0
    passed: dict[int, int] = {}
    for wait in waits:
        now += wait
        if window.take(now):
            passed[int(now // 60)] = passed.get(int(now // 60), 0) + 1
    assert max(passed.values()) <= RATE.count
    assert window.left(now + 120) == RATE.count


@given(steps)
def test_what_is_left_may_happen_and_what_must_wait_may_happen_after_its_time(waits: list[float]) -> None:
    window, now = Window(RATE), 1_000.0
    for wait in waits:
        now += wait
        left, again = window.left(now), window.seconds_until_one(now)
        assert (left == 0) == (again > 0)
        if not window.take(now):
            assert window.take(now + again + 1e-6)
            now += again + 1e-6


def test_a_burst_at_the_border_of_two_windows_does_not_pass_twice() -> None:
    window = Window(RATE)
    assert sum(window.take(119.9) for _ in range(20)) == 10
    assert sum(window.take(120.1) for _ in range(20)) == 0
    assert sum(window.take(150.0) for _ in range(20)) == 5
