"""Batch runs on a schedule: when the next one is due, what a run's end means, and that none ends the schedule."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from adapters.records.books import SCHEDULE
from adapters.records.lease import AlreadyRuns
from adapters.records.schedule import read_schedule
from adapters.stores import open_store
from adapters.terminal.commands import as_json, outcome_line, reports_outcome
from batch_layer.gate.verdict import Refused
from batch_layer.runs import schedule
from batch_layer.runs.counted import NothingCounted
from batch_layer.runs.schedule import Schedule, in_a_process, outcome_of
from core.control.schedule import FAILED, LEFT_OUT, PUBLISHED, REFUSED, Ended, Outcome, State
from schemas.errors import MillraceError, NotReady, StoreUnavailable

SECONDS = 0.4
KEPT = "generation g is kept but not activated: small"


def said(error: MillraceError) -> str:
    """What `batch run --json` prints of it."""
    return json.dumps(outcome_line(error))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Any]:
    with closing(open_store(f"sqlite:///{tmp_path}/batch.sqlite")) as opened:
        yield opened


def test_the_next_run_is_due_an_interval_after_the_last_began_give_or_take_a_twentieth() -> None:
    state = State(every_ms=1_000, next_due=0)
    assert [state.begun(5_000, jitter).next_due for jitter in (-1, 0, 1)] == [5_950, 6_000, 6_050]


def test_failures_are_counted_from_the_first_since_the_last_success() -> None:
    state = State(every_ms=1_000, next_due=0)
    course = [(FAILED, 1, 1_000), (FAILED, 2, 1_000), (LEFT_OUT, 2, 1_000), (REFUSED, 0, None), (FAILED, 1, 5_000)]
    for turn, (result, failures, since) in enumerate(course, 1):
        state = state.begun(turn * 1_000, 0).ended(Outcome(result, None, "why"), turn * 1_000 + 500)
        assert (state.failures, state.failing_since) == (failures, since)
        times = {"began_at": turn * 1_000, "ended_at": turn * 1_000 + 500}
        assert state.last is not None
        assert asdict(state.last) == {**times, "result": result, "generation": None, "error": "why"}


@pytest.mark.parametrize(
    ("status", "output", "outcome"),
    [
        (0, '1 s  batch: published\n{"id": "g1", "metrics": {}}\n', Outcome(PUBLISHED, "g1")),
        (1, f"noise\n{said(StoreUnavailable('away'))}\nmillrace: away\n", Outcome(FAILED, None, "away")),
        (1, said(Refused(KEPT)), Outcome(REFUSED, None, KEPT)),
        (1, said(AlreadyRuns("x")), Outcome(LEFT_OUT, None, "x")),
        (1, f'{{"id": "g1"}}\n{said(NothingCounted("all rejected"))}', Outcome(FAILED, None, "all rejected")),
        (-9, '{"id": "g1", "metrics": {}}\nmillrace is said elsewhere', Outcome(FAILED, None, "ended with status -9")),
        (1, f"millrace: {KEPT}", Outcome(FAILED, None, "ended with status 1")),  # sentences are for people
    ],
)  # fmt: skip
def test_what_a_runs_end_means(status: int, output: str, outcome: Outcome) -> None:
    assert outcome_of(status, output) == outcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(Refused(KEPT), REFUSED), (AlreadyRuns("x"), LEFT_OUT), (NotReady("x"), FAILED), (OSError(28, "full"), FAILED)],
)
def test_a_run_that_fails_says_by_its_last_line_why_and_to_people_only_the_sentence(
    error: Exception, outcome: str
) -> None:
    @click.command()
    @as_json
    @reports_outcome
    def run(as_json: bool) -> None:
        raise error

    printed, plain = CliRunner().invoke(run, ["--json"]), CliRunner().invoke(run)
    assert json.loads(printed.stdout)["outcome"] == outcome
    assert f"millrace: {json.loads(printed.stdout)['error']}\n" == printed.stderr == plain.stderr
    assert (printed.exit_code, plain.stdout) == (plain.exit_code, "")
    assert outcome_of(printed.exit_code, printed.output).result == outcome


def scheduled(
    store: Any, run_once: Callable[[threading.Event], Outcome], every_ms: int = 50
) -> tuple[State, list[str]]:
    """A schedule that ends when ``run_once`` says so; what it left in the store, and what it said."""
    stop, said = threading.Event(), list[str]()
    Schedule(store, every_ms, SECONDS, stop, said.append).run(lambda: run_once(stop))
    state = read_schedule(store)
    assert state is not None
    assert json.loads(store.read(SCHEDULE, "state", [b"state"])[b"state"]) == asdict(state)
    return state, said


def test_it_continues_after_failures_and_while_the_store_is_away(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = iter([Outcome(FAILED, None, "no engine"), Outcome(FAILED, None, "no store"), Outcome(PUBLISHED, "g1")])
    put, began = store.put, []

    def away(*given: Any) -> bool:
        if len(began) in (1, 2):
            raise StoreUnavailable("away")
        return bool(put(*given))

    monkeypatch.setattr(store, "put", away)

    def run_once(stop: threading.Event) -> Outcome:
        began.append(time.monotonic())
        if len(began) == 3:
            stop.set()
        return next(ends)

    state, said = scheduled(store, run_once)
    assert state.last is not None
    assert (state.last.result, state.last.generation, state.failures) == (PUBLISHED, "g1", 0)
    assert any("2 failed in a row" in line for line in said)
    assert began[2] - began[0] >= 0.09


def test_a_second_schedule_is_refused_and_the_first_continues(store: Any) -> None:
    def run_once(stop: threading.Event) -> Outcome:
        with pytest.raises(AlreadyRuns, match="a schedule of batch runs already runs"):
            scheduled(store, lambda _: Outcome(PUBLISHED))
        stop.set()
        return Outcome(PUBLISHED, "g1")

    assert scheduled(store, run_once)[0].last is not None


def test_a_run_that_is_under_way_ends_with_the_schedule(store: Any, tmp_path: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(600)"]

    def run_once(stop: threading.Event) -> Outcome:
        threading.Timer(1, stop.set).start()
        return in_a_process(sleeper, tmp_path / "batch.log", stop, print)

    began = time.monotonic()
    state, _ = scheduled(store, run_once)
    assert time.monotonic() - began < 300
    assert state.running_since is not None
    assert schedule.last_lines(tmp_path / "batch.log", 1) == "begun"


def test_the_state_that_an_earlier_version_wrote_is_read_and_what_a_newer_one_added_is_ignored(store: Any) -> None:
    last = {"began_at": 1, "ended_at": 2, "result": "failed", "generation": None, "error": "why", "added": 1}
    earlier = {"every_ms": 60_000, "next_due": 9, "running_since": None, "last": last, "failures": 1, "added": [1]}
    store.put(SCHEDULE, {("state", b"state"): json.dumps(earlier).encode()})
    assert read_schedule(store) == State(60_000, 9, None, Ended(1, 2, "failed", None, "why"), 1)
