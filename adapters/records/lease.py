"""Leases: the owner of a role shows signs of life; a second process exits, or takes over from a dead owner.

A lease only refuses a wrong start early. The compare-and-sets of both layers (rules 5 and 10) protect the views, so a
wrong guess here can displace a live process but never harm a sum.
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
    """Another live process has the lease."""

    outcome = LEFT_OUT


@dataclass(frozen=True)
class Kind:
    """A role of which only one can run, the book that holds its lease, and the remedy for a second process."""

    name: str
    book: Book
    remedy: str


SPEED_LAYER = Kind("a speed layer", LEASE, "stop it first, only one can run")
BATCH_RUN = Kind("a batch run", BATCH_LEASE, "wait for it to end, or stop it")
BATCH_SCHEDULE = Kind("a schedule of batch runs", SCHEDULE, "stop it first, only one can run")


@dataclass(frozen=True)
class Sign:
    """The last sign of life; ``beat`` is the owner's wall clock in epoch ms; an empty ``owner`` stopped cleanly."""

    owner: str
    host: str
    pid: int
    beat: int
    log: LogIdentity | None = None  # the log whose events the store holds
    engine: str = ""  # what a speed layer runs on

    @staticmethod
    def of(text: bytes) -> "Sign":
        return from_json(Sign, text)

    def to_json(self) -> bytes:
        return to_json(self)

    def alive(self, now_ms: int, lease_ms: int) -> bool:
        """Return whether the owner gave a recent sign by the wall clock; only for display, too weak for a take-over."""
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
        """Become or stay the owner; called again after the store was away, when another process may have become it.

        Args:
            log: the log whose events the store holds, for the sign; None if another record of the store names it.
        Raises:
            AlreadyRuns: a live process holds the lease; the text names it.
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
        """Record that this owner stopped cleanly, so that the next one need not wait."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(self._seconds)
        with suppress(StoreUnavailable, SettingsError):  # then the last sign expires
            self._renew("")

    def _renew(self, owner: str, instead_of: bytes | None = None) -> bool:
        """Write a new sign over an own one, over none or over ``instead_of``; False when another owner's stands.

        Reads the sign each time: it may be unknown whether the last one was written, and a store may have lost it.
        """
        held = self._store.record(self._kind.book)
        mine = held is None or held == instead_of or Sign.of(held).owner in ("", self.owner)
        return mine and self._store.swap(self._kind.book, held, self._sign(owner))

    def _alive(self, held: bytes, say: Callable[[str], None]) -> bool:
        """Return whether the owner is alive, by its process on this machine, otherwise by waiting for its next sign."""
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
            with suppress(Exception):  # whatever it is, the next sign must be tried: a silent owner is taken for dead
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
