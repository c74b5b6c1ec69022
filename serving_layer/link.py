"""Serving's connection to the log: made in the background, so that lookups answer whether the log does or not."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property

from adapters.appender import Appender
from adapters.catalogue import CatalogueFollower
from adapters.log import Log
from adapters.opening import open_log
from adapters.settings import Settings
from adapters.stores import ViewStore
from schemas.errors import LogUnavailable, MillraceError

TRY_AGAIN_SECONDS = 2.0
STOP_SECONDS = 2.0

log = logging.getLogger("serving")


class LogLink:
    """Opens the log (and starts an embedded broker) on a thread, keeps it, and follows the catalogue with it."""

    def __init__(self, settings: Settings, store: ViewStore) -> None:
        self._settings = settings
        self._ended = threading.Event()
        self._log: Log | None = None
        self._why = "it is being opened"
        self._opener = threading.Thread(target=self._keep_open, name="log", daemon=True)
        self._follower = CatalogueFollower(self.log, store)

    def log(self) -> Log:
        """The open log. Raises LogUnavailable while there is none, with the reason."""
        if self._log is None:
            raise LogUnavailable(f"the log is not there: {self._why}")
        return self._log

    @cached_property
    def appender(self) -> Appender:
        """One producer for all requests."""
        return self.log().appender(self._settings.partitioner)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Open until the end of the block."""
        self._opener.start()
        self._follower.start()
        try:
            yield
        finally:
            self._ended.set()
            self._follower.stop()
            self._opener.join(STOP_SECONDS)  # it may be waiting for a broker that does not answer

    def _keep_open(self) -> None:
        with ExitStack() as stack:
            while not self._ended.is_set():
                try:
                    self._log = stack.enter_context(open_log(self._settings))
                    log.info("log open at=%s", self._log.bootstrap)
                    self._ended.wait()
                except MillraceError as error:
                    if self._why != str(error):
                        log.warning("no log yet: %s", error)
                    self._why = str(error)
                    self._ended.wait(TRY_AGAIN_SECONDS)
            self._log = None
