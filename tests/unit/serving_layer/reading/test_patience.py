"""One answer's budget for each store, whatever its reads are like."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from schemas.errors import StoreUnavailable
from serving_layer.reading.patience import LeftBehind, Lost, Patience, reading
from tests.kit.waiting import least, seconds, until

BUDGET = 0.2


@dataclass
class Clock:
    """Time passes only where a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def patience(clock: Clock) -> Patience:
    return Patience(BUDGET, clock=clock)


def reads(clock: Clock, side: str, times: int, seconds: float) -> Callable[[], str]:
    def compute() -> str:
        for _ in range(times):
            with reading(side):
                clock.now += seconds
        return "told"

    return compute


def outcome(patience: Patience, compute: Callable[[], Any]) -> Any:
    """What was computed, or the side that was lost."""
    try:
        return patience.attempt(compute)
    except Lost as lost:
        return lost.side


def test_reads_within_the_budget_are_answered(patience: Patience, clock: Clock) -> None:
    assert outcome(patience, reads(clock, "speed", 4, BUDGET / 50)) == "told"


def test_short_reads_that_add_up_to_more_lose_the_side_when_the_budget_is_spent(
    patience: Patience, clock: Clock
) -> None:
    started = clock.now
    assert outcome(patience, reads(clock, "speed", 40, BUDGET / 4)) == "speed"
    assert BUDGET * 0.9 < clock.now - started < BUDGET * 1.6


def test_a_read_that_does_not_end_is_left_behind_and_reads_no_more() -> None:
    ended = threading.Event()
    stopped: list[BaseException] = []
    began: list[None] = []

    def compute() -> None:
        began.append(None)
        with reading("batch"):
            ended.wait()
        try:
            with reading("batch"):
                raise AssertionError("it reads on")
        except LeftBehind as error:
            stopped.append(error)

    outcomes: set[object] = set()
    taken = least(lambda: seconds(lambda: outcomes.add(outcome(Patience(BUDGET), compute))), BUDGET + 1.5)
    assert BUDGET * 0.9 < taken < BUDGET + 1.5
    assert outcomes == {"batch"}
    ended.set()
    until(lambda: len(stopped) == len(began))


def test_attempts_share_the_budget_of_a_side_and_sides_do_not(patience: Patience, clock: Clock) -> None:
    assert outcome(patience, reads(clock, "speed", 1, BUDGET * 0.7)) == "told"
    assert outcome(patience, reads(clock, "batch", 1, BUDGET * 0.7)) == "told"
    assert outcome(patience, reads(clock, "speed", 2, BUDGET * 0.7)) == "speed"


def test_computing_costs_no_budget(patience: Patience, clock: Clock) -> None:
    def compute() -> str:
        for _ in range(3):
            with reading("speed"):
                pass
            clock.now += BUDGET
        return "told"

    assert outcome(patience, compute) == "told"


def test_what_is_raised_comes_through_and_a_store_that_is_down_is_its_side_lost(patience: Patience) -> None:
    def wrong() -> None:
        raise KeyError("x")

    def down() -> None:
        with reading("speed"):
            raise StoreUnavailable("no")

    with pytest.raises(KeyError):
        patience.attempt(wrong)
    assert outcome(patience, down) == "speed"
