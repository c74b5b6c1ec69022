"""Quantiles of a histogram."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.telemetry.quantiles import quantile

BOUNDS = (0.1, 0.5, 1.0)


@pytest.mark.parametrize(
    ("cells", "share", "value"),
    [((0, 4, 0, 0), 0.5, 0.3), ((4, 0, 0, 0), 1.0, 0.1), ((0, 0, 0, 2), 0.5, 1.0), ((1, 0, 1, 0), 0.5, 0.1)],
)
def test_a_quantile_is_linear_within_its_bucket(cells: tuple[int, ...], share: float, value: float) -> None:
    assert quantile(BOUNDS, cells, share) == pytest.approx(value)


def test_nothing_is_said_of_nothing() -> None:
    assert quantile(BOUNDS, (0, 0, 0, 0), 0.5) is None


@given(st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any))
def test_quantiles_rise_with_their_share_and_stay_within_the_bounds(cells: list[int]) -> None:
    values = [quantile(BOUNDS, cells, share / 10) or 0.0 for share in range(1, 11)]
    assert values == sorted(values)
    assert all(0 <= value <= BOUNDS[-1] for value in values)
