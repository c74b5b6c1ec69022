"""How long an answer waits for a store: one budget (setting store_timeout) for all that it reads there.

A store's own time-out is for one request; an answer takes some twenty of them, and a server may also send a byte at a
time. So an answer that must read a store is computed on a thread of its own, which is left behind once a store has used
up its budget. An answer from memory needs no such thread.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from schemas.errors import SettingsError, StoreUnavailable

LOOK_AGAIN_SECONDS = 0.01

T = TypeVar("T")
_here = threading.local()  # .attempt: the one that this thread computes


class Lost(Exception):
    """A store stopped answering in the middle: start over without it."""

    def __init__(self, side: str, why: str) -> None:
        super().__init__(side, why)
        self.side, self.why = side, why


class MustRead(Exception):
    """The answer needs a store, and this thread must not wait for one."""


class TooLong(MustRead):
    """The answer takes too long for a thread that others wait for."""


class LeftBehind(Exception):
    """Nobody waits for this attempt any more."""


@dataclass
class Patience:
    """The budget of one answer, in seconds for each side, over all its attempts; ``clock`` says what reads take.

    ``give_way`` is called before each read, and may wait.
    """

    seconds: float
    spent: dict[str, float] = field(default_factory=dict)
    give_way: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic

    def attempt(self, compute: Callable[[], T]) -> T:
        """Return the result of ``compute``, run on a thread of its own.

        Raises: Lost, when reading one side has taken longer than the budget, whether that read ever ends or not.
        """
        attempt = _Attempt(self, compute)
        threading.Thread(target=attempt.run, name="answer", daemon=True).start()
        while not attempt.ended(attempt.seconds_left()):
            if (side := attempt.overdue()) is not None:
                attempt.left_behind = True
                raise self.lost(side)
        return attempt.result()

    def lost(self, side: str) -> Lost:
        return Lost(side, f"it kept the answer waiting for more than {self.seconds:g} s (store_timeout)")


class _Attempt(Generic[T]):
    """One computation of the answer; ``run`` is called on its thread, all else on the one that waits for it."""

    def __init__(self, patience: Patience, compute: Callable[[], T]) -> None:
        self.patience, self.left_behind = patience, False
        self._compute, self._done, self._request = compute, Future[T](), copy_context()  # its trace, its log lines
        self._reading: tuple[str, float] | None = None  # the side and since when

    def run(self) -> None:
        _here.attempt = self
        try:
            self._done.set_result(self._request.run(self._compute))
        except BaseException as error:  # noqa: BLE001 - it is the waiting thread's
            self._done.set_exception(error)

    @contextmanager
    def reading(self, side: str) -> Iterator[None]:
        self.patience.give_way()
        spent, started = self.patience.spent.get(side, 0.0), self.patience.clock()
        if self.left_behind:
            raise LeftBehind
        if spent >= self.patience.seconds:
            raise self.patience.lost(side)
        self._reading = side, started
        try:
            yield
        finally:
            self._reading = None
            if not self.left_behind:
                self.patience.spent[side] = spent + self.patience.clock() - started

    def ended(self, seconds: float) -> bool:
        """Return whether the attempt has ended, after at most that many seconds."""
        try:
            self._done.exception(seconds)
        except TimeoutError:
            return False
        return True

    def result(self) -> T:
        return self._done.result()

    def overdue(self) -> str | None:
        """Return the side that is being read and has used up its budget."""
        reading = self._reading
        return reading[0] if reading is not None and self._left(reading) <= 0 else None

    def seconds_left(self) -> float:
        """Return the seconds within which no side can become overdue."""
        reading = self._reading
        rest = self.patience.seconds - max(self.patience.spent.values(), default=0.0)
        return max(LOOK_AGAIN_SECONDS, rest if reading is None else min(rest, self._left(reading)))

    def _left(self, reading: tuple[str, float]) -> float:
        side, since = reading
        return self.patience.seconds - self.patience.spent.get(side, 0.0) - (self.patience.clock() - since)


def seconds_left(side: str, otherwise: float) -> float:
    """Return the seconds this thread's answer may still wait for that side; ``otherwise`` where it computes none."""
    attempt: _Attempt[object] | None = getattr(_here, "attempt", None)
    return otherwise if attempt is None else attempt.patience.seconds - attempt.patience.spent.get(side, 0.0)


@contextmanager
def memory_only() -> Iterator[None]:
    """Forbid this thread to read a store in the block: ``reading`` raises MustRead."""
    _here.memory_only = True
    try:
        yield
    finally:
        _here.memory_only = False


def walks_far() -> None:
    """Note that this thread's answer goes through very many rows: raises TooLong inside ``memory_only``."""
    if getattr(_here, "memory_only", False):
        raise TooLong


@contextmanager
def reading(side: str) -> Iterator[None]:
    """Name the side that a store that is down belongs to; the time it takes counts against the answer's budget.

    Raises:
        Lost: the store did not answer, or the budget is used up.      MustRead: inside ``memory_only``.
    """
    if getattr(_here, "memory_only", False):
        raise MustRead
    attempt: _Attempt[object] | None = getattr(_here, "attempt", None)
    try:
        if attempt is None:
            yield
        else:
            with attempt.reading(side):
                yield
    except (StoreUnavailable, SettingsError) as error:  # a wrong password, say: the other view can still be read
        raise Lost(side, str(error)) from error
