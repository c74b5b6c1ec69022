"""How often something may happen: rates as text, and a window that moves with time.

The window counts by two numbers, those of the current and of the previous fixed window, of which the latter counts by
the share of it that the moving window still covers. So it takes no memory for each request, and no burst passes at
the border of two windows.
"""

import math
import re
from dataclasses import dataclass

from schemas.errors import SettingsError

_RATE = re.compile(r"([1-9][0-9]{0,8})/(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True)
class Rate:
    """At most ``count`` requests within ``seconds``."""

    count: int
    seconds: int

    @staticmethod
    def of(text: str) -> "Rate | None":
        """Return the rate that a text such as ``100/s`` or ``6000/m`` names; None for the empty text: no limit.

        Raises: SettingsError: another text.
        """
        if not text:
            return None
        match = _RATE.fullmatch(text)
        if match is None:
            raise SettingsError(f"'{text[:40]}' is not a rate: write a number and /s, /m, /h or /d, e.g. 6000/m")
        return Rate(int(match[1]), _SECONDS[match[2]])


@dataclass
class Window:
    """What happened lately under one rate. ``now`` is always seconds of one clock that never goes back."""

    rate: Rate
    number: int = 0  # of the current fixed window
    current: int = 0
    previous: int = 0

    def take(self, now: float) -> bool:
        """Count one more if the rate allows it; return whether it does."""
        if self.used(now) + 1 > self.rate.count:
            return False
        self.current += 1
        return True

    def used(self, now: float) -> float:
        """Return how many the moving window holds."""
        number = int(now // self.rate.seconds)
        if number != self.number:
            self.previous = self.current if number == self.number + 1 else 0
            self.number, self.current = number, 0
        return self.previous * (1 - now / self.rate.seconds % 1) + self.current

    def left(self, now: float) -> int:
        """Return how many may happen now."""
        return max(0, math.floor(self.rate.count - self.used(now)))

    def seconds_until_one(self, now: float) -> int:
        """Return after how many whole seconds one more may happen; 0 if it may now."""
        if self.used(now) + 1 <= self.rate.count:
            return 0
        passed, room = now / self.rate.seconds % 1, self.rate.count - 1
        share = math.inf
        if self.current <= room and self.previous:
            share = 1 - (room - self.current) / self.previous - passed
        if share > 1 - passed:  # only once this window is the previous one
            share = 1 - passed + max(0.0, 1 - room / max(self.current, 1))
        return max(1, math.ceil(share * self.rate.seconds))
