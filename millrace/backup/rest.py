"""Keeps an installation at rest: nothing writes to it while it is copied."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX

from adapters.broker.home import BrokerHome, try_lock
from adapters.broker.one_per_home import only_one
from adapters.machine.home import prepare_home
from adapters.records.books import BATCH_LEASE, LEASE
from adapters.records.lease import Sign
from adapters.settings import Settings
from adapters.stores.opened import batch_views, speed_views
from schemas.errors import SettingsError

PATIENCE_SECONDS = 15.0  # for the broker of a command that has just ended
POLL_SECONDS = 0.1


@contextmanager
def at_rest(settings: Settings, now_ms: int) -> Iterator[None]:
    """Hold the home's locks for the block, so that nothing runs in it and nothing starts.

    Raises:
        SettingsError: something runs; the text says what to stop.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(only_one(settings.home, "up"))
        except SettingsError as error:
            raise SettingsError(f"a backup needs an installation at rest, and {error}") from error
        stack.enter_context(_without_broker(BrokerHome(settings.home.resolve())))
        _require_no_life(settings, now_ms)
        yield


@contextmanager
def _without_broker(files: BrokerHome) -> Iterator[None]:
    """Hold the lock of the home's broker: each command that reads or writes the log needs the broker."""
    prepare_home(files.home)
    lock = os.open(files.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not try_lock(lock, LOCK_EX):
            if time.monotonic() > deadline:
                raise SettingsError(
                    f"a backup needs an installation at rest, and a command uses the broker of {files.home}: stop it "
                    "(`millrace speed run`, `batch run --every`, `serve`), then run the backup again"
                )
            time.sleep(POLL_SECONDS)
        files.announcement.unlink(missing_ok=True)  # what a killed broker left must not look like one that runs
        yield
    finally:
        os.close(lock)


def _require_no_life(settings: Settings, now_ms: int) -> None:
    """Refuse where a layer runs that does not need the home's broker, because the log is a cluster."""
    stores = (("a speed layer", speed_views(settings), LEASE), ("a batch run", batch_views(settings), BATCH_LEASE))
    for what, store, book in stores:
        text = store.record(book) if settings.log.kafka else None
        sign = Sign.of(text) if text else None
        if sign is not None and sign.alive(now_ms, settings.speed.lease_ms):
            raise SettingsError(
                f"a backup needs an installation at rest, and {what} runs on {sign.host} as process {sign.pid}: stop "
                "it, then run the backup again"
            )
