"""The one way to wait in tests: for a condition."""

import time
from collections.abc import Callable

# Generous, because a condition that holds ends the wait: only a failing test waits this long.
PATIENCE_SECONDS = 60.0
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
