"""The insight of freshness finds planted delays, and says so where there is none or nothing is known."""

import numpy as np
import pytest

from core.insights.finding import FOUND, NO_DIFFERENCE, TOO_LITTLE_DATA
from core.insights.freshness import freshness, in_words
from core.telemetry.delays import Delays
from schemas.event import BUCKET_MS

FIRST = 490_000


def hour(milliseconds: float, events: int = 400, seed: int = 0) -> Delays:
    """An hour whose delays lie around the given ones."""
    delays = Delays()
    for value in np.random.default_rng(seed).lognormal(np.log(milliseconds), 0.4, events).astype(int).tolist():
        delays.add(value, 1)
    return delays


def test_a_planted_slow_hour_is_found() -> None:
    hours = {FIRST + k: hour(200, seed=k) for k in range(24)} | {FIRST + 7: hour(30_000)}
    finding = freshness(hours)
    assert finding.verdict == FOUND
    assert finding.more["slow"] == [(FIRST + 7) * BUCKET_MS]
    assert [row["from"] for row in finding.rows if row["slow"]] == [(FIRST + 7) * BUCKET_MS]
    assert "was slow: half of its events took" in finding.says


def test_each_hour_has_its_figures_and_all_have_them_together() -> None:
    parts = {FIRST: [100, 200, 300], FIRST + 1: [400]}
    hours = {}
    for number, values in parts.items():
        hours[number] = Delays()
        for value in values:
            hours[number].add(value, 100)
    finding = freshness(hours)
    assert [(row["events"], row["max"]) for row in finding.rows] == [(300, 0.3), (100, 0.4)]
    assert finding.rows[0]["p50"] == pytest.approx(0.2, rel=0.19)
    total = finding.more["total"]
    assert (total["events"], total["max"]) == (400, 0.4)
    assert total["p50"] <= total["p95"] <= total["p99"] <= total["max"]
    assert finding.says.startswith("of 400 events half were in the answers within")


def test_hours_that_are_alike_differ_in_nothing() -> None:
    finding = freshness({FIRST + k: hour(200, seed=k) for k in range(48)})
    assert (finding.verdict, finding.more["slow"]) == (NO_DIFFERENCE, [])
    assert "no hour was slower" in finding.says


def test_one_hour_alone_is_compared_with_nothing() -> None:
    finding = freshness({FIRST: hour(200)})
    assert finding.verdict == TOO_LITTLE_DATA
    assert finding.says.startswith("of ")
    assert finding.says.endswith("; there is no other hour to compare with")


@pytest.mark.parametrize("hours", [{}, {FIRST: hour(200, 3), FIRST + 1: hour(90_000, 3)}])
def test_of_few_events_no_hour_is_called_slow(hours: dict[int, Delays]) -> None:
    finding = freshness(hours)
    assert (finding.verdict, finding.more["slow"]) == (TOO_LITTLE_DATA, [])
    assert finding.says


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.034, "34 ms"), (1.25, "1.25 s"), (90.0, "90 s"), (150.0, "2.5 minutes"), (9_000.0, "2.5 hours"),
     (864_000.0, "10 days"), (None, "-")],
)  # fmt: skip
def test_delays_are_written_as_people_read_them(seconds: float | None, words: str) -> None:
    assert in_words(seconds) == words
