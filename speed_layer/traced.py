"""Traces of micro-batches: which requests' events each made visible, told by headers of records in the log.

The headers are read here, beside the micro-batches and on any engine alike: what engines hand to their tasks has none,
and a micro-batch waits for nothing. So much is looked at per second, and no more: traces are a sample.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.log.kafka_log import Log
from adapters.tracing.active import active
from core.control.boundaries import latest
from schemas.control import Offsets
from schemas.errors import MillraceError
from speed_layer.measured import Phase

if TYPE_CHECKING:
    from adapters.tracing.tracer import Arrival, Commit, Tracer

Note = Callable[[Offsets, Offsets, Sequence[Phase], int], None]  # from, to, phases of the attempt, events
LOOK_SECONDS = 1.0  # between two readings of the log
MOST_WAITING = 64  # micro-batches; of others nobody hears
MOST_RECORDS = 1_000  # that are looked at in one reading, the newest of each partition
STOP_SECONDS = 1.0


@dataclass(frozen=True)
class Done:
    """A committed micro-batch and where it began and ended."""

    start: Offsets
    to: Offsets
    commit: "Commit"

    def holds(self, arrival: "Arrival") -> bool:
        return self.start.get(arrival.partition, 0) <= arrival.offset < self.to.get(arrival.partition, 0)


class Traces:
    """Hears of micro-batches as they are committed. ``log``: returns the log as it is now open."""

    def __init__(self, tracer: "Tracer", log: Callable[[], Log]) -> None:
        self._tracer, self._log = tracer, log
        self._waiting: queue.Queue[Done] = queue.Queue(MOST_WAITING)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look_again, name="traces", daemon=True)

    def note(self, start: Offsets, to: Offsets, phases: Sequence[Phase], events: int) -> None:
        """Note a micro-batch that has just been committed; returns at once."""
        from adapters.tracing.tracer import Commit

        if not phases:
            return  # it had been committed before
        behind = time.time_ns() - int(time.perf_counter() * 1e9)
        ended = [(name, behind + int(began * 1e9), behind + int(end * 1e9)) for name, began, end in phases]
        with suppress(queue.Full):
            self._waiting.put_nowait(Done(start, to, Commit(ended[0][1], ended[-1][2], ended, events)))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Look at what was noted, for a moment at most, and end."""
        self._ending.set()
        self._thread.join(STOP_SECONDS)

    def _look_again(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            self._look()
        self._look()

    def _look(self) -> None:
        done = [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
        if not done:
            return
        with suppress(MillraceError):  # the log is away or has forgotten: who reads it for its own sake says so
            arrivals = list(self._arrivals(done))
            for batch in done:
                self._tracer.committed(batch.commit, (arrival for arrival in arrivals if batch.holds(arrival)))

    def _arrivals(self, done: list[Done]) -> Iterator["Arrival"]:
        """Yield the records with traces among the newest that were committed."""
        from adapters.tracing.tracer import Arrival

        log, end = self._log(), latest(*(batch.to for batch in done))
        most = max(1, MOST_RECORDS // len(end))
        start = {at: max(to - most, min(batch.start.get(at, to) for batch in done)) for at, to in end.items()}
        for message in log.messages(log.topics.events, start, end):
            headers: Any = message.headers()  # the client's types allow more than what arrives
            if headers:
                yield Arrival(message.partition() or 0, message.offset() or 0, message.timestamp()[1], dict(headers))


@contextmanager
def traced_commits(log: Callable[[], Log]) -> Iterator[Note]:
    """Provide what hears of micro-batches for the length of the block; it does nothing where nothing is traced."""
    tracer = active()
    if tracer is None:
        yield lambda *_: None
        return
    traces = Traces(tracer, log)
    traces.start()
    try:
        yield traces.note
    finally:
        traces.stop()
