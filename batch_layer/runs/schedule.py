"""Scheduled batch runs: when the next one is due and how the last ones went, recorded in the batch-view store.

Each run is a process of its own. So a run that fails in whatever way, the engine's included, leaves nothing in this
one, which is small.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from adapters.machine.children import child, last_lines
from adapters.records.lease import BATCH_SCHEDULE, Lease
from adapters.records.schedule import write_schedule
from adapters.stores.port import ViewStore
from core.control.schedule import FAILED, PUBLISHED, Outcome, State
from schemas.errors import StoreUnavailable

LOOK_AGAIN_SECONDS, LOOK_EVERY_SECONDS = 5.0, 0.2
LINES = 200  # of a run's output that are looked at
Printed = dict[str, Any]  # the last line of ``batch run --json``: a generation, or ``outcome`` and ``error``


class Schedule:
    """Runs ``run_once`` at intervals until ``stop``; one schedule at a time."""

    def __init__(
        self, store: ViewStore, every_ms: int, lease_seconds: float, stop: threading.Event, say: Callable[[str], None]
    ) -> None:
        self._store, self._stop, self._say = store, stop, say
        self._lease = Lease(store, lease_seconds, BATCH_SCHEDULE)
        self._state = State(every_ms, _now())

    def run(self, run_once: Callable[[], Outcome]) -> None:
        """Run until stopped, however the runs end and whether or not the store answers.

        Raises:
            AlreadyRuns: of ``adapters.records.lease``; there is another schedule; the text names it.
        """
        try:
            self._acquire()
            while not self._stop.is_set():
                self._set(self._state.begun(_now(), random.uniform(-1, 1)))
                outcome = run_once()
                if self._stop.is_set() and outcome.result == FAILED:
                    return  # it was ended with this process
                self._set(self._state.ended(outcome, _now()))
                self._report(outcome)
                self._stop.wait(max(0, self._state.next_due - _now()) / 1000)
        finally:
            self._lease.release()

    def _acquire(self) -> None:
        while not self._stop.is_set():
            try:
                self._lease.acquire(self._say)
                break
            except StoreUnavailable as error:
                self._say(f"waiting for the batch views: {error}")
                self._stop.wait(LOOK_AGAIN_SECONDS)

    def _set(self, state: State) -> None:
        self._state = state
        with suppress(StoreUnavailable):  # the next one reports it
            write_schedule(self._store, state)

    def _report(self, outcome: Outcome) -> None:
        due = time.strftime("%H:%M:%S", time.localtime(self._state.next_due / 1000))
        what = " ".join(filter(None, (outcome.result, outcome.generation, outcome.error and f"({outcome.error})")))
        failing = f", {self._state.failures} failed in a row" if self._state.failures > 1 else ""
        self._say(f"{what}{failing}; next run at {due}")


def in_a_process(command: Sequence[str], log: Path, stop: threading.Event, show: Callable[[Printed], None]) -> Outcome:
    """Run the command to its end, or end it when ``stop`` is set; ``show`` gets the generation it prints as JSON."""
    with child("batch run", command, log) as run:
        while run.running:
            if stop.wait(LOOK_EVERY_SECONDS):
                run.stop()
    lines = last_lines(log, LINES)
    outcome = outcome_of(run.process.returncode, lines)
    if outcome.result == PUBLISHED:
        show(_printed(lines))
    return outcome


def _printed(output: str) -> Printed:
    """Return the last line of JSON, even where another stream's line stands after it."""
    printed: Printed = json.loads(next((line for line in reversed(output.splitlines()) if line.startswith("{")), "{}"))
    return printed


def outcome_of(status: int, output: str) -> Outcome:
    """Judge the exit status and the last lines of ``millrace batch run --json``, which may be of both its streams."""
    printed = _printed(output)
    if status == 0:
        return Outcome(PUBLISHED, printed.get("id"))
    error = printed.get("error") or f"ended with status {status}"
    return Outcome(printed.get("outcome", FAILED), error=error)


def _now() -> int:
    return time.time_ns() // 1_000_000
