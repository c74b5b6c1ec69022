"""Windows of rates that all processes of one server share, in a file that each of them maps into its memory.

A slot holds one key's window. A process locks the slot's bytes for the microseconds in which it reads and writes them,
and the kernel frees the lock of one that dies.
"""

import fcntl
import mmap
import os
import struct
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from core.access.rates import Rate, Window

RATES = "rates"  # the file, in the folder in which the processes count together
SLOTS = 16_384  # a file without data takes no room
TRIES = 64  # slots that a key may have
_SLOT = struct.Struct("<8sqII")  # the key, and a window's number, current and previous

T = TypeVar("T")


class SharedWindows:
    """The windows of one server, by a text that names a key and its rate."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(folder / RATES, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, SLOTS * _SLOT.size)
        self._bytes = mmap.mmap(self._file, SLOTS * _SLOT.size)

    def window(self, name: str, rate: Rate) -> "SharedWindow | None":
        """Return the window of that name; None where so many keys are in use that it has no slot."""
        tag = blake2b(name.encode(), digest_size=8).digest()
        first = int.from_bytes(tag, "little")
        for slot in range(first, first + TRIES):
            if self.held(slot % SLOTS, lambda at: self._take(at, tag)):
                return SharedWindow(self, slot % SLOTS, tag, rate)
        return None

    def held(self, slot: int, act: Callable[[int], T]) -> T:
        """Return ``act`` of the slot's place in the file, during which no other process reads or writes it."""
        at = slot * _SLOT.size
        fcntl.lockf(self._file, fcntl.LOCK_EX, _SLOT.size, at)
        try:
            return act(at)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, _SLOT.size, at)

    def close(self) -> None:
        """Let go of the file."""
        self._bytes.close()
        os.close(self._file)

    def _take(self, at: int, tag: bytes) -> bool:
        """Return whether the slot is, from now on, that key's."""
        if self._bytes[at : at + _SLOT.size].count(0) == _SLOT.size:
            _SLOT.pack_into(self._bytes, at, tag, 0, 0, 0)
        return self._bytes[at : at + len(tag)] == tag

    def load(self, at: int, rate: Rate) -> Window:
        """Return the window in that place."""
        return Window(rate, *_SLOT.unpack_from(self._bytes, at)[1:])

    def keep(self, at: int, tag: bytes, window: Window) -> None:
        """Write the window into that place."""
        _SLOT.pack_into(self._bytes, at, tag, window.number, window.current, window.previous)


class SharedWindow:
    """A window that several processes count in, as ``Window`` does for one: their monotonic clocks are the same."""

    def __init__(self, windows: SharedWindows, slot: int, tag: bytes, rate: Rate) -> None:
        self.rate, self._windows, self._slot, self._tag = rate, windows, slot, tag

    def take(self, now: float) -> bool:
        """Count one more if the rate allows it; return whether it does."""
        return self._of(lambda window: window.take(now))

    def used(self, now: float) -> float:
        """Return how many the moving window holds."""
        return self._of(lambda window: window.used(now))

    def left(self, now: float) -> int:
        """Return how many may happen now."""
        return self._of(lambda window: window.left(now))

    def seconds_until_one(self, now: float) -> int:
        """Return after how many whole seconds one more may happen; 0 if it may now."""
        return self._of(lambda window: window.seconds_until_one(now))

    def _of(self, ask: Callable[[Window], T]) -> T:
        def asked(at: int) -> T:
            window = self._windows.load(at, self.rate)
            answer = ask(window)
            self._windows.keep(at, self._tag, window)
            return answer

        return self._windows.held(self._slot, asked)
