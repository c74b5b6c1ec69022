"""``/metrics``: what the processes of this API counted, and the state of the installation."""

import threading
import time
from concurrent.futures import Future
from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from adapters.records.control import read_control
from adapters.settings import Settings
from adapters.telemetry.counting import all_numbers
from adapters.telemetry.exposition import text_of
from core.telemetry.families import Family
from schemas.errors import MillraceError
from serving_layer.answers.measures import MEASURED, State, levels
from serving_layer.answers.status import status
from serving_layer.reading.views import Views
from serving_layer.routes.link import LogLink

STATE_SECONDS = 2.0  # that a scrape waits for stores and log; Prometheus itself waits 10
FRESH_SECONDS = 1.0  # within which the state is not read again

Level = tuple[Family, tuple[str, ...], float]
plain = APIRouter(include_in_schema=False)


class StateReader:
    """Reads the state for scrapes, one reading at a time: many scrapes at once cost one, and none waits for long."""

    def __init__(self, views: Views, link: LogLink, settings: Settings) -> None:
        self._views, self._link, self._settings = views, link, settings
        self._lock = threading.Lock()
        self._reading: Future[list[Level]] | None = None
        self._began = float("-inf")

    def levels(self) -> list[Level]:
        """Return the gauges of the state; only that it is unknown where it cannot be read in time."""
        with self._lock:
            reading = self._reading
            if reading is None or (reading.done() and time.monotonic() - self._began > FRESH_SECONDS):
                reading = self._reading = Future()
                self._began = time.monotonic()
                threading.Thread(target=self._read, args=(reading,), name="state", daemon=True).start()
        with suppress(MillraceError, TimeoutError):
            return [*reading.result(STATE_SECONDS), (MEASURED, (), 1)]
        return [(MEASURED, (), 0)]

    def _read(self, reading: "Future[list[Level]]") -> None:
        try:
            reading.set_result(list(levels(self._state())))
        except BaseException as error:  # noqa: BLE001 - it is the waiting scrape's
            reading.set_exception(error)

    def _state(self) -> State:
        now_ms, log, control = time.time_ns() // 1_000_000, None, None
        with suppress(MillraceError):
            log = self._link.log()
        answer = status(self._views, self._settings, log, now_ms)
        with suppress(MillraceError):
            control = read_control(self._views.batch)
        return State(answer, control, now_ms)


@plain.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return the numbers of all workers and the state, as Prometheus reads them."""
    state: StateReader = request.app.state.metrics
    accept = request.headers.get("accept", "")
    text, media_type = await run_in_threadpool(lambda: text_of(all_numbers(), state.levels(), accept))
    return Response(text, media_type=media_type)
