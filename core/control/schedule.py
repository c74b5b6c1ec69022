"""Batch runs on a schedule: when the next run is due and how the last ones ended. Pure; the clock is an argument."""

from dataclasses import dataclass, replace

JITTER = 0.05  # of the interval, in both directions, so that many schedules on one cluster do not run in step
PUBLISHED, REFUSED, LEFT_OUT, FAILED = "published", "refused", "left out", "failed"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``result`` is one of those above; ``generation`` its id, where one was made."""

    result: str
    generation: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Ended:
    """The last run's outcome, and its times in epoch ms."""

    began_at: int | None
    ended_at: int
    result: str
    generation: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class State:
    """What ``status`` shows; times are epoch ms.

    ``failing_since``: when the first failure since the last success began. A run that is left out because another one
    was working neither fails nor succeeds.
    """

    every_ms: int
    next_due: int
    running_since: int | None = None
    last: Ended | None = None
    failures: int = 0
    failing_since: int | None = None

    def begun(self, now: int, jitter: float) -> "State":
        """Return the state while a run is working. ``jitter``: from -1 to 1."""
        return replace(self, running_since=now, next_due=now + int(self.every_ms * (1 + JITTER * jitter)))

    def ended(self, outcome: Outcome, now: int) -> "State":
        """Return the state after a run; if the run took longer than the interval, the next one is due at once."""
        began = self.running_since
        last = Ended(began, now, outcome.result, outcome.generation, outcome.error)
        done = replace(self, running_since=None, last=last)
        if outcome.result == LEFT_OUT:
            return done
        if outcome.result == FAILED:
            return replace(done, failures=self.failures + 1, failing_since=self.failing_since or began)
        return replace(done, failures=0, failing_since=None)
