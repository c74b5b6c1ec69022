"""One of a kind at a time: the owner shows signs of life; a second one exits, or takes over from a dead one.

A lease only spares a wrong start its trouble. What protects the views are the compare-and-sets of both layers (rules 5
and 10), so a wrong guess here can displace a live process but never harm a sum.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from adapters.records.books import BATCH_LEASE, LEASE, SCHEDULE
from adapters.stores.port import Book, ViewStore
from core.control.schedule import LEFT_OUT
from schemas.control import LogIdentity
from schemas.errors import MillraceError, SettingsError, StoreUnavailable
from schemas.records import from_json, to_json


class AlreadyRuns(MillraceError):
    """There is a live one already."""

    outcome = LEFT_OUT


@dataclass(frozen=True)
class Kind:
    """Of what there can be only one, whose book of the store given holds its lease, and what a second one should do."""

    name: str
    book: Book
    remedy: str


SPEED_LAYER = Kind("a speed layer", LEASE, "stop it first, there can be only one")
BATCH_RUN = Kind("a batch run", BATCH_LEASE, "wait for it to end, or stop it")
A_SCHEDULE = Kind("a schedule of batch runs", SCHEDULE, "stop it first, there can be only one")


@dataclass(frozen=True)
class Sign:
    """The last sign of life; ``beat`` is the owner's wall clock in epoch ms; an empty ``owner`` stopped cleanly."""

    owner: str
    host: str
    pid: int
    beat: int
    log: LogIdentity | None = None  # whose events the store holds
    engine: str = ""  # what a speed layer runs on

    @staticmethod
    def of(text: bytes) -> "Sign":
        return from_json(Sign, text)

    def to_json(self) -> bytes:
        return to_json(self)

    def alive(self, now_ms: int, lease_ms: int) -> bool:
        """Whether the owner showed itself lately, by the wall clock: for people to see, no ground to take over."""
        return bool(self.owner) and self.beat > now_ms - 2 * lease_ms


class Lease:
    """Holds the lease for as long as the process lives; ``acquire``, then ``release``."""

    def __init__(self, store: ViewStore, seconds: float, kind: Kind, engine: str = "") -> None:
        self._store, self._seconds, self._kind, self._engine = store, seconds, kind, engine
        self._log: LogIdentity | None = None
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def acquire(self, say: Callable[[str], None], log: LogIdentity | None = None) -> None:
        """Become the owner, or stay it: again after the store was away, when somebody else may have become it.

        Args:
            log: whose events the store holds, which the sign then names; None where another record of the store does.
        Raises:
            AlreadyRuns: a live one holds the lease; the text names it.
        """
        self._log = log
        held = self._store.record(self._kind.book)
        if held is not None and Sign.of(held).owner != self.owner and self._alive(held, say):
            lease = Sign.of(held)
            raise AlreadyRuns(
                f"{self._kind.name} already runs: {lease.owner} (process {lease.pid} on {lease.host}); "
                f"{self._kind.remedy}"
            )
        if not self._renew(self.owner, instead_of=held) and not self._renew(self.owner):
            raise AlreadyRuns(f"{self._kind.name} was started at the same moment; {self._kind.remedy}")
        if not self._thread.is_alive():
            self._thread.start()

    def release(self) -> None:
        """Say that this owner stopped cleanly, so that the next one need not wait."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(self._seconds)
        with suppress(StoreUnavailable, SettingsError):  # then the last sign grows old
            self._renew("")

    def _renew(self, owner: str, instead_of: bytes | None = None) -> bool:
        """Sign once more, over an own sign, none or ``instead_of``; False where somebody else's stands.

        Read anew each time: it may be unknown whether the last sign was written, and a store may have lost it.
        """
        held = self._store.record(self._kind.book)
        mine = held is None or held == instead_of or Sign.of(held).owner in ("", self.owner)
        return mine and self._store.swap(self._kind.book, held, self._sign(owner))

    def _alive(self, held: bytes, say: Callable[[str], None]) -> bool:
        """Whether the owner is alive: by its process on this machine, else by waiting for its next sign."""
        lease = Sign.of(held)
        if not lease.owner or (lease.host == socket.gethostname() and not _running(lease.pid)):
            return False
        say(f"waiting up to {self._seconds:g} s to see whether {lease.owner} is alive")
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            time.sleep(self._seconds / 20)
            now = self._store.record(self._kind.book)
            if now is not None and now != held:
                return bool(Sign.of(now).owner)
        return False

    def _beat(self) -> None:
        while not self._stop.wait(self._seconds / 4):
            with suppress(StoreUnavailable, SettingsError):
                self._renew(self.owner)

    def _sign(self, owner: str) -> bytes:
        now_ms = time.time_ns() // 1_000_000
        return Sign(owner, socket.gethostname(), os.getpid(), now_ms, self._log, self._engine).to_json()


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
