"""The pauses of the speed layer while the log or a store is away: it reports why, waits and tries again."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from schemas.errors import MillraceError

PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)  # the last one repeats


@dataclass
class Outage:
    """The pauses since something was last applied; ``stopping`` ends one early."""

    say: Callable[[str], None]
    stopping: threading.Event
    _tries: int = field(default=0, init=False)

    def over(self) -> None:
        """Note that something was applied: the next outage begins with the shortest pause."""
        self._tries = 0

    def wait(self, why: MillraceError) -> None:
        """Report why, and pause."""
        pause = PAUSES_SECONDS[min(self._tries, len(PAUSES_SECONDS) - 1)]
        self._tries += 1
        self.say(f"waiting, trying again in {pause:g} s: {why}")
        self.stopping.wait(pause)
