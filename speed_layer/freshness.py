"""Records how long events took from entering the log to the commit that brought them into the answers."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from adapters.records.delays import HOURS_OF_DAY, forget_days, write_delays
from adapters.stores.port import ViewStore
from core.telemetry.delays import Arrivals, Delays
from schemas.errors import MillraceError
from schemas.event import BUCKET_MS

WRITE_EVERY_SECONDS = 5.0


def _new_writer() -> bytes:
    return uuid.uuid4().bytes[:6]


@dataclass
class Freshness:
    """What this process committed, by the hour in which events entered the log; written every few seconds.

    A commit costs no round trip more; a process that is killed loses what it committed in its last seconds. Each day
    begins with a new ``writer``, as the rows of a writer hold all that it counted and memory keeps one day only.
    """

    store: ViewStore
    clock: Callable[[], float] = monotonic
    writer: bytes = field(default_factory=_new_writer)
    _hours: dict[int, Delays] = field(default_factory=dict)
    _unwritten: set[int] = field(default_factory=set)
    _written_at: float = float("-inf")
    _day: int = -1

    def note(self, arrivals: Arrivals, now_ms: int) -> None:
        """Count what was committed at that time, epoch ms."""
        for arrived, events in zip(arrivals[::2], arrivals[1::2], strict=True):
            hour = arrived // BUCKET_MS
            self._hours.setdefault(hour, Delays()).add(now_ms - arrived, events)
            self._unwritten.add(hour)
        self._turn(now_ms // BUCKET_MS)

    def maybe(self) -> None:
        """Write if it is time; a store that is away gets it later."""
        if self.clock() - self._written_at >= WRITE_EVERY_SECONDS:
            self.write()

    def write(self) -> None:
        """Write the hours that changed since they were last written."""
        self._written_at = self.clock()
        if not self._unwritten:
            return
        try:
            write_delays(self.store, self.writer, {hour: self._hours[hour] for hour in self._unwritten})
        except MillraceError:  # the speed layer reports by itself what is wrong with its store
            return
        self._unwritten.clear()

    def _turn(self, hour: int) -> None:
        """Begin a new day once all of the one before is written."""
        day = hour // HOURS_OF_DAY
        if day == self._day:
            return
        if self._day >= 0:
            self.write()
            if self._unwritten:
                return
            self._hours.clear()
            self.writer = _new_writer()
        self._day = day
        with suppress(MillraceError):  # the next day tries again
            forget_days(self.store, hour)
