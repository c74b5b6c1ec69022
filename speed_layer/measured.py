"""What is counted and timed of micro-batches."""

import time
from collections.abc import Callable

from adapters.telemetry.counting import count, observe
from core.telemetry.families import APPLIED, COMMIT_DELAY_SECONDS, INTERRUPTIONS, MICRO_BATCHES, PHASE_SECONDS
from speed_layer.steps.micro_batch import Tally

Phase = tuple[str, float, float]  # name, begin and end
PHASES = {"planned": "plan", "registered": "register", "written": "compute", "committed": "commit"}


class Phases:
    """Times the phases of attempts by the steps that the driver names as they end.

    ``ended``: those of the micro-batch under way, by ``time.perf_counter``.
    """

    def __init__(self) -> None:
        self._since = time.perf_counter()
        self.ended: list[Phase] = []

    def begin(self) -> None:
        """Begin a micro-batch."""
        self._since, self.ended = time.perf_counter(), []

    def then(self, fault: Callable[[str], None]) -> Callable[[str], None]:
        """Return a function that times the step that has ended, and calls ``fault``."""

        def ended(step: str) -> None:
            now = time.perf_counter()
            if step in PHASES:
                observe(PHASE_SECONDS, PHASES[step], value=now - self._since)
                self.ended.append((PHASES[step], self._since, now))
            fault(step)
            self._since = time.perf_counter()

        return ended


def count_committed(tally: Tally, now_ms: int) -> None:
    """Count a micro-batch that has just been committed. ``now_ms``: the wall clock, epoch ms."""
    count(MICRO_BATCHES)
    count(APPLIED, "accepted", by=tally.events)
    count(APPLIED, "rejected", by=tally.rejected)
    if tally.oldest:
        observe(COMMIT_DELAY_SECONDS, value=max(0, now_ms - tally.oldest) / 1_000)


def count_interruption(why: str) -> None:
    """Count an attempt that is repeated or a reading that begins again; ``why`` is one of a few words."""
    count(INTERRUPTIONS, why)
