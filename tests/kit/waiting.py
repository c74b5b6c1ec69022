"""The one way to wait in tests: for a condition. And the one way to judge how long something takes."""

import time
from collections.abc import Callable

# Generous, because a condition that holds ends the wait: only a failing test waits this long.
PATIENCE_SECONDS = 600.0
FIRST_LOOK_SECONDS, MOST_SECONDS = 0.005, 0.1


def until(
    holds: Callable[[], object],
    seconds: float = PATIENCE_SECONDS,
    why: Callable[[], object] = str,
    look_every: float = MOST_SECONDS,
) -> None:
    """Wait until ``holds`` returns something true; fail with what ``why`` returns when that takes longer."""
    deadline, pause = time.monotonic() + seconds, FIRST_LOOK_SECONDS
    while not holds():
        assert time.monotonic() < deadline, why() or f"not so within {seconds:g} s"
        time.sleep(pause)
        pause = min(1.5 * pause, look_every)


def seconds(act: Callable[[], object]) -> float:
    """Return how long it takes."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


def least(measure: Callable[[], float], below: float, tries: int = 5) -> float:
    """Return the least of what ``measure`` returns, measuring again until that is below.

    A busy machine delays some tries; a wrong wait delays all of them.
    """
    best = measure()
    while best >= below and (tries := tries - 1):
        best = min(best, measure())
    return best
