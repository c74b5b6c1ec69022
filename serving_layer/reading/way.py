"""Who computes first where threads share one interpreter: a look of the follower, then few answers at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

GIVEN_SECONDS = 0.05  # that an answer waits for a look before each of its reads
READ_AT_ONCE, TURN_SECONDS = 3, 0.25  # answers that read stores, and what another one waits for its turn at most


class Way:
    """One for each follower. Beside many answers that compute, a look of milliseconds took seconds."""

    def __init__(self) -> None:
        self.is_taken = False
        self._free, self._turns = threading.Condition(), threading.Semaphore(READ_AT_ONCE)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Mark the block as part of a look that no store keeps waiting."""
        self.is_taken = True
        try:
            yield
        finally:
            with self._free:
                self.is_taken = False
                self._free.notify_all()

    def give(self) -> None:
        """Wait while a look computes, not for long."""
        if self.is_taken:
            with self._free:
                self._free.wait_for(lambda: not self.is_taken, GIVEN_SECONDS)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn of an answer that reads stores, not for long: a store may keep those that have theirs."""
        has_turn = self._turns.acquire(timeout=TURN_SECONDS)
        try:
            yield
        finally:
            if has_turn:
                self._turns.release()
