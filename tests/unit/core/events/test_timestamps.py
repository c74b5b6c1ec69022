"""Times: epoch milliseconds as an integer, or RFC 3339 with zone, by floor."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events.timestamps import epoch_ms
from tests.kit.times import BAD_TIMES, GOOD_TIMES


@pytest.mark.parametrize(("text", "milliseconds"), GOOD_TIMES.items())
def test_a_date_time_with_zone_is_a_time(text: str, milliseconds: int) -> None:
    assert epoch_ms(text) == milliseconds


@pytest.mark.parametrize("given", BAD_TIMES)
def test_anything_else_is_no_time(given: object) -> None:
    assert epoch_ms(given) is None


@pytest.mark.parametrize("digits", range(1, 13))
def test_a_fraction_of_any_length_is_cut_to_whole_milliseconds(digits: int) -> None:
    assert epoch_ms(f"2025-06-15T15:06:40.{'9' * digits}Z") == 1_750_000_000_000 + [0, 900, 990, 999][min(digits, 3)]


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 - the zone follows
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_it_agrees_with_the_standard_library(local: datetime, offset_minutes: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    wanted = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert epoch_ms(moment.isoformat()) == wanted
