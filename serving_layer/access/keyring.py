"""The keys as this process last read them: looked at every second or two, so that a revoked one soon opens nothing."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapters.records.keys import read_keys
from adapters.stores.port import ViewStore
from adapters.terminal.reporting import logger
from core.access.keys import Key

LOOK_SECONDS = 2.0
STOP_SECONDS = 2.0  # that the end waits for a look under way
AUTO, REQUIRED, OFF = "auto", "required", "off"

log = logger("keys")


@dataclass(frozen=True)
class Known:
    """What one look found: the valid keys by id, and whether a request needs one."""

    keys: Mapping[str, Key]
    required: bool


@dataclass
class Keyring:
    """Follows the keys in their store. ``mode``: the setting ``keys``.      ``local``: only this machine reaches it.

    Keys stay as they were while the store does not answer. A process that could not read them yet takes no request
    where a key may be needed: where others reach it, and where ``seen``, a file, says that there have been keys.
    """

    mode: str
    local: bool
    seen: Path
    known: Known | None = None
    why_unknown: str = "they are being read"
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def required(self) -> bool:
        """Whether a request needs a key."""
        if self.mode == OFF:
            return False
        if self.mode == REQUIRED or not self.local:
            return True
        return self.seen.exists() if self.known is None else self.known.required

    def look(self, store: ViewStore) -> None:
        """Read the keys."""
        try:
            keys = read_keys(store)
            self.known, self.why_unknown = Known(keys.valid, bool(keys.keys)), ""
            if keys.keys and not self.seen.exists():
                self.seen.touch()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look must come
            if self.why_unknown != str(error) and not self._ended.is_set():
                log.warning("keys unread why=%s", error)
            self.why_unknown = str(error)

    @contextmanager
    def running(self, store: ViewStore) -> Iterator[None]:
        """Follow the keys until the end of the block; they are read once before it begins."""
        if self.mode == OFF:
            yield
            return
        self.look(store)
        thread = threading.Thread(target=self._follow, args=(store,), name="keys", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(STOP_SECONDS)  # a store may keep it longer: nothing waits for that

    def _follow(self, store: ViewStore) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.look(store)
