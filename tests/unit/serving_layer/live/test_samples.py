"""The rates that an open page shows, from samples of the status."""

import pytest

from serving_layer.live.samples import KEPT_SECONDS, MOST_KEPT, Figures, Sample, Samples


def samples(*rows: tuple[float, int, int | None, float | None]) -> Samples:
    """Of (second, applied, end, age)."""
    made = Samples()
    for at, applied, end, age in rows:
        made.add(Sample(1_000 + at, applied, end, None if end is None else end - applied, age))
    return made


def test_a_status_becomes_a_sample_of_all_partitions() -> None:
    status = {"applied": {"0": 5, "1": 7}, "end": {"0": 6, "1": 9}, "lag_events": 3, "freshness_seconds": 0.5}
    assert Sample.of(status, 1.0) == Sample(1.0, 12, 15, 3, 0.5)
    assert Sample.of(status | {"applied": None, "end": None, "lag_events": None}, 1.0) == Sample(
        1.0, 0, None, None, 0.5
    )


def test_rates_are_those_of_the_last_seconds_and_say_when_the_lag_is_gone() -> None:
    figures = samples((0, 0, 1_000, 9.0), (10, 100, 1_100, 3.0), (20, 600, 1_200, 1.0)).figures()
    assert (figures.applied_per_second, figures.arriving_per_second, figures.lag_slope) == (50.0, 10.0, -40.0)
    assert figures.drained_in_seconds == 600 / 40
    assert (figures.age_p50, figures.age_p95, figures.age_over_seconds) == (3.0, 9.0, 20.0)


@pytest.mark.parametrize("last", [(1, 10, 210, 1.0), (1, 10, 110, 0.0)])
def test_a_lag_that_grows_or_rests_is_never_drained(last: tuple[float, int, int, float]) -> None:
    assert samples((0, 0, 100, 1.0), last).figures().drained_in_seconds is None


def test_nothing_is_claimed_of_one_sample_nor_of_a_log_that_does_not_answer() -> None:
    assert samples((0, 5, 9, 1.0)).figures() == Figures()
    figures = samples((0, 0, None, None), (1, 10, None, None)).figures()
    assert (figures.applied_per_second, figures.arriving_per_second, figures.lag_slope) == (10.0, None, None)
    assert (figures.age_p50, figures.age_p95) == (None, None)


def test_a_page_gets_each_sample_once_with_its_own_rate() -> None:
    kept = samples((0, 0, 0, 0.0), (1, 10, 10, 0.0), (3, 40, 40, 0.0))
    assert [(row["at"], row["applied_per_second"]) for row in kept.since(0)] == [(1_001, 10.0), (1_003, 15.0)]
    assert [row["at"] for row in kept.since(1_001)] == [1_003]
    assert kept.since(1_003) == []


def test_samples_are_bounded_in_age_and_number_and_a_clock_that_was_set_back_begins_again() -> None:
    kept = samples(*((second, 0, 0, 0.0) for second in range(2_000)))
    assert len(kept.kept) <= min(KEPT_SECONDS + 1, MOST_KEPT)
    kept.add(Sample(5.0, 0, 0, 0, 0.0))
    assert [sample.at for sample in kept.kept] == [5.0]
