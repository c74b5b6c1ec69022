"""One answer's budget for each store, whatever its reads are like."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from schemas.errors import StoreUnavailable
from serving_layer.reading.patience import LeftBehind, Lost, Patience, reading

BUDGET = 0.5


def reads(side: str, times: int, seconds: float) -> Callable[[], str]:
    def compute() -> str:
        for _ in range(times):
            with reading(side):
                time.sleep(seconds)
        return "told"

    return compute


def timed(patience: Patience, compute: Callable[[], Any]) -> tuple[Any, float]:
    started = time.monotonic()
    try:
        told = patience.attempt(compute)
    except Lost as lost:
        told = lost.side
    return told, time.monotonic() - started


def test_reads_within_the_budget_are_answered() -> None:
    assert timed(Patience(BUDGET), reads("speed", 4, BUDGET / 50))[0] == "told"


def test_short_reads_that_add_up_to_more_lose_the_side_when_the_budget_is_spent() -> None:
    side, seconds = timed(Patience(BUDGET), reads("speed", 40, BUDGET / 4))
    assert side == "speed"
    assert BUDGET * 0.9 < seconds < BUDGET * 4


def test_a_read_that_does_not_end_is_left_behind_and_reads_no_more() -> None:
    ended = threading.Event()
    stopped: list[BaseException] = []

    def compute() -> None:
        with reading("batch"):
            ended.wait()
        try:
            with reading("batch"):
                raise AssertionError("it reads on")
        except LeftBehind as error:
            stopped.append(error)

    side, seconds = timed(Patience(BUDGET), compute)
    assert side == "batch"
    assert BUDGET * 0.9 < seconds < BUDGET * 4
    ended.set()
    while not stopped:
        time.sleep(0.01)


def test_attempts_share_the_budget_of_a_side_and_sides_do_not() -> None:
    patience = Patience(BUDGET)
    assert timed(patience, reads("speed", 1, BUDGET * 0.7))[0] == "told"
    assert timed(patience, reads("batch", 1, BUDGET * 0.7))[0] == "told"
    assert timed(patience, reads("speed", 1, BUDGET * 0.7))[0] == "speed"


def test_computing_costs_no_budget() -> None:
    def compute() -> str:
        for _ in range(3):
            with reading("speed"):
                pass
            time.sleep(BUDGET)
        return "told"

    assert timed(Patience(BUDGET), compute)[0] == "told"


def test_what_is_raised_comes_through_and_a_store_that_is_down_is_its_side_lost() -> None:
    def wrong() -> None:
        raise KeyError("x")

    def down() -> None:
        with reading("speed"):
            raise StoreUnavailable("no")

    with pytest.raises(KeyError):
        Patience(BUDGET).attempt(wrong)
    assert timed(Patience(BUDGET), down)[0] == "speed"
