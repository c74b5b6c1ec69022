"""The file of house rules, read again when it changes; a file that became wrong leaves the last good rules in force.

A server keeps a copy of the last good file, so that one of its processes that is started again has those rules, too.
"""

import os
import threading
import time
import tomllib
from pathlib import Path

from adapters.terminal.reporting import logger
from core.house.rules import HouseRule, house_rules
from schemas.errors import SettingsError

LOOK_SECONDS = 1.0

log = logger("rules")


class HouseFile:
    """The rules in force. Threads may share it; the file is looked at once a second at most, when it is asked."""

    def __init__(self, path: Path, copy: Path | None = None) -> None:
        """Read the file, or else the copy. Raises SettingsError: there is no copy, and the file holds no rules."""
        self._path, self._copy, self._lock = path, copy, threading.Lock()
        self._stamp = self._look()
        self._looked = time.monotonic()
        try:
            self._rules = self._read()
        except SettingsError as error:
            if copy is None or not copy.exists():
                raise
            self._rules = house_rules(tomllib.loads(copy.read_text(encoding="utf-8")))
            log.warning("rules unchanged why=%s", error)

    def rules(self) -> tuple[HouseRule, ...]:
        """Return the rules."""
        if time.monotonic() - self._looked >= LOOK_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._looked = time.monotonic()
                self._renew()
            finally:
                self._lock.release()
        return self._rules

    def _renew(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._rules = self._read()
            log.info("rules read count=%d", len(self._rules))
        except SettingsError as error:
            log.warning("rules unchanged why=%s", error)

    def _read(self) -> tuple[HouseRule, ...]:
        rules, text = _read(self._path)
        if self._copy is not None and not (self._copy.exists() and self._copy.read_text(encoding="utf-8") == text):
            written = self._copy.with_suffix(f".{os.getpid()}")
            written.write_text(text, encoding="utf-8")
            written.replace(self._copy)
        return rules

    def _look(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(path: Path) -> tuple[tuple[HouseRule, ...], str]:
    """Return the rules of the file, and its text."""
    try:
        text = path.read_text(encoding="utf-8")
        return house_rules(tomllib.loads(text)), text
    except OSError as error:
        raise SettingsError(f"business_rules: {path} cannot be read ({error.strerror})") from None
    except SettingsError as error:
        raise SettingsError(f"business_rules: {path}: {error}") from None
    except (ValueError, RecursionError) as error:  # TOML's errors, bytes that are no UTF-8, endless numbers and lists
        raise SettingsError(f"business_rules: {path} is not valid TOML: {error}") from None
