"""What the speed layer reports to a person while it runs."""

import time
from collections.abc import Callable

from speed_layer.measured import count_committed
from speed_layer.steps.micro_batch import Tally


class Progress:
    """Counts what was applied and reports it about every five seconds while anything is."""

    def __init__(self, say: Callable[[str], None], every_seconds: float = 5.0) -> None:
        self._say, self._every = say, every_seconds
        self.events = self.rejected = self.batches = 0
        self._since, self._counted = time.monotonic(), 0

    def note(self, tally: Tally, seconds: float) -> None:
        """Count one committed micro-batch that took ``seconds``."""
        self.events += tally.events
        self.rejected += tally.rejected
        self.batches += 1
        count_committed(tally, time.time_ns() // 1_000_000)
        passed = time.monotonic() - self._since
        if passed >= self._every and self.events > self._counted:
            rate, rejected = (self.events - self._counted) / passed, f"{self.rejected:,} rejected"
            self._say(f"applied {self.events:,} events ({rate:,.0f}/s, last batch {seconds:.2f} s, {rejected})")
            self._since, self._counted = time.monotonic(), self.events
