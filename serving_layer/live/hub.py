"""Reads the state once for all open pages of this process, and hands each the newest frame as fast as it reads."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from adapters.telemetry.counting import all_numbers
from adapters.terminal.reporting import logger
from core.telemetry.families import COMMIT_DELAY_SECONDS
from core.telemetry.quantiles import quantile
from schemas.errors import MillraceError
from serving_layer.answers.lookups import trending
from serving_layer.live.samples import Sample, Samples
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer_from_memory, answer_from_stores
from serving_layer.reading.patience import MustRead
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views

MOST_LISTENERS = 64  # of one process
FRAME_SECONDS = 0.25  # between two frames of one listener
STATUS_SECONDS = 1.0
BEAT_SECONDS = 10.0  # after which a listener hears something, whether anything changed or not
TREND_HOURS, TREND_ROWS = 24, 10

log = logger("serving")
Frame = dict[str, Any]


class Crowded(Exception):
    """There is no place for one more listener."""


class Listener:
    """One open page; at most the newest frame waits for it."""

    def __init__(self) -> None:
        self.news, self.has_left = asyncio.Event(), False
        self.seen_until = 0.0  # the time of the last sample that it was sent

    def leave(self) -> None:
        """Note that no further frame will be read."""
        self.has_left = True
        self.news.set()


class Hub:
    """All listeners of one process. Its methods are called on the event loop.

    Args: read_status: returns the JSON of ``status``; called on a thread.
    """

    def __init__(self, views: Views, read_status: Callable[[], dict[str, Any]]) -> None:
        self._views, self._read_status = views, read_status
        self._listeners = set[Listener]()
        self._samples = Samples()
        self._frame: Frame | None = None
        self._watching: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._status: dict[str, Any] | None = None
        self._trending: dict[str, Any] | None = None
        self._moment: object = None
        self._read_at, self.closed = float("-inf"), False

    def join(self) -> Listener:
        """Return a new listener, which must be given back by ``part``. Raises Crowded."""
        if self.closed or len(self._listeners) >= MOST_LISTENERS:
            raise Crowded
        listener = Listener()
        self._listeners.add(listener)
        if self._watching is None or self._watching.done():
            self._frame = self._moment = self._status = None  # nobody has looked for a while
            self._read_at = float("-inf")
            self._watching = asyncio.get_running_loop().create_task(self._watch())
        elif self._frame is not None:
            listener.news.set()
        return listener

    def part(self, listener: Listener) -> None:
        """Forget a listener."""
        self._listeners.discard(listener)

    def close(self) -> None:
        """End all streams: the server stops."""
        self.closed = True
        for listener in self._listeners:
            listener.leave()

    def frame_for(self, listener: Listener) -> Frame | None:
        """Return the newest frame with the samples that the listener does not have; None before the first."""
        if self._frame is None:
            return None
        samples = self._samples.since(listener.seen_until)
        if samples:
            listener.seen_until = samples[-1]["at"]
        return {**self._frame, "samples": samples}

    async def _watch(self) -> None:
        while self._listeners and not self.closed:
            try:
                await self._look()
            except Exception:  # what stores and log say is an answer (below): this is a bug, and pages stay open
                log.exception("the state cannot be shown")
            await asyncio.sleep(FRAME_SECONDS)

    async def _look(self) -> None:
        """Make a new frame if a commit or a second went by."""
        now, moment = time.monotonic(), self._views.current()
        is_due = now - self._read_at >= STATUS_SECONDS and (self._reading is None or self._reading.done())
        changed = is_due if moment is None else moment is not self._moment
        if changed:
            self._moment, self._trending = moment, await self._trends()
        if is_due:
            self._read_at = now
            self._reading = asyncio.get_running_loop().create_task(self._read())
            if self._status is None:
                await self._reading
                return
        if changed:
            self._publish()

    async def _read(self) -> None:
        """Read the status on a thread: the log and a store may take their time."""
        try:
            self._status = await asyncio.to_thread(self._read_status)
            self._samples.add(Sample.of(self._status, time.time()))
        except MillraceError as error:
            self._status = {"unknown": str(error)}
        self._publish()

    async def _trends(self) -> dict[str, Any] | None:
        def compute(snapshot: Snapshot) -> dict[str, Any]:
            return trending(snapshot, TREND_HOURS, None, Page(TREND_ROWS))

        with suppress(MillraceError):
            try:
                return answer_from_memory(self._views, compute)
            except MustRead:
                return await asyncio.to_thread(answer_from_stores, self._views, compute)
        return None

    def _publish(self) -> None:
        self._frame = {
            "at": time.time_ns() // 1_000_000,
            "status": self._status,
            "figures": {**asdict(self._samples.figures()), **_delays()},
            "trending": self._trending,
        }
        for listener in self._listeners:
            listener.news.set()


def _delays() -> dict[str, float | None]:
    """Return how long records took from the log into the answers, in seconds, as the speed layer has counted."""
    cells = all_numbers().get((COMMIT_DELAY_SECONDS.name, ()), ())
    shares = {"delay_p50": 0.5, "delay_p95": 0.95}
    return {name: quantile(COMMIT_DELAY_SECONDS.buckets, cells, share) for name, share in shares.items()}
