"""Serving's connection to the log: made in the background, so that lookups answer whether the log does or not."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.broker.embedded import running_broker
from adapters.broker.opening import open_log
from adapters.log.appender import Appender
from adapters.log.client import wait_until_reachable
from adapters.log.kafka_log import Log
from adapters.records.catalogue import CatalogueFollower
from adapters.settings import Settings
from adapters.stores import ViewStore
from adapters.terminal.reporting import logger
from schemas.errors import LogUnavailable

TRY_AGAIN_SECONDS = 2.0
LOOK_SECONDS = 2.0  # so often it looks whether an embedded broker is still there: some milliseconds
STOP_SECONDS = 2.0
OPENING_SECONDS = 10.0  # that a request waits while the log is opened for the first time
OPENING_LOOK_SECONDS = 0.02

log = logger("serving")


class LogLink:
    """Opens the log (and starts an embedded broker) on a thread, keeps it, and follows the catalogue with it."""

    def __init__(self, settings: Settings, store: ViewStore) -> None:
        self._settings = settings
        self._ended = threading.Event()
        self._log: Log | None = None
        self._appender: Appender | None = None
        self._appends_to = ""
        self._lock = threading.Lock()
        self._why, self._tried = "it is being opened", threading.Event()
        self._opener = threading.Thread(target=self._keep_open, name="log", daemon=True)
        self._follower = CatalogueFollower(self._first_opened, store)

    def log(self) -> Log:
        """Return the open log. Raises LogUnavailable while there is none, with the reason."""
        if self._log is None:
            raise LogUnavailable(f"the log is not there: {self._why}")
        return self._log

    async def opened(self) -> Log:
        """Return the open log, waiting for it at first: lookups are answered before it is there.

        Raises: LogUnavailable, with the reason.
        """
        deadline = time.monotonic() + OPENING_SECONDS
        while self._log is None and not self._tried.is_set() and time.monotonic() < deadline:
            await asyncio.sleep(OPENING_LOOK_SECONDS)
        return self.log()

    def _first_opened(self) -> Log:
        """Return the open log; at the start it waits, as a log that is being opened is no failure to report."""
        self._tried.wait()
        return self.log()

    def appender(self) -> Appender:
        """Return one producer for all requests, as long as the log stays where it is."""
        opened = self.log()
        with self._lock:
            if self._appender is None or self._appends_to != opened.bootstrap:
                self._let_go()
                # A client waits for each record: none of them waits for others to come.
                self._appender = opened.appender(self._settings.log.partitioner, linger_ms=0)
                self._appends_to = opened.bootstrap
            return self._appender

    def _let_go(self) -> None:
        if self._appender is not None:
            self._appender.close()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Open until the end of the block."""
        self._opener.start()
        self._follower.start()
        try:
            yield
        finally:
            self._ended.set()
            self._tried.set()
            self._follower.stop()
            self._let_go()
            self._opener.join(STOP_SECONDS)  # it may be starting a broker, or in the middle of a request to one

    def _keep_open(self) -> None:
        while not self._ended.is_set():
            try:
                self._wait_for_cluster()
                if self._ended.is_set():
                    return
                with open_log(self._settings) as self._log:
                    self._tried.set()
                    log.info("log open at=%s", self._log.bootstrap)
                    while self._there() and not self._ended.wait(LOOK_SECONDS):
                        pass
                self._log, self._why = None, "its broker ended, it is being started again"
            except Exception as error:  # noqa: BLE001 - whatever it is, such as no free file, the log is tried again
                if self._ended.is_set():
                    return  # nobody asks any more: it is no news that a log went away
                if self._why != str(error):
                    log.warning("log away why=%s", error)
                self._log, self._why = None, str(error)
                self._tried.set()
                self._ended.wait(TRY_AGAIN_SECONDS)

    def _wait_for_cluster(self) -> None:
        """Return once the configured cluster answers or the end was asked for; at once without one."""
        where = self._settings.log
        if where.kafka:
            wait_until_reachable(where.kafka, where.kafka_options, self._ended)

    def _there(self) -> bool:
        """Return whether the log is there: clients reconnect to a cluster, an embedded broker must be restarted."""
        return bool(self._settings.log.kafka) or running_broker(self._settings.home) is not None
