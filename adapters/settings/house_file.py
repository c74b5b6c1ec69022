"""The file of house rules, read again when it changes; a file that became wrong leaves the last good rules in force."""

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

    def __init__(self, path: Path) -> None:
        """Raises SettingsError: the file cannot be read, or holds no rules."""
        self._path, self._lock = path, threading.Lock()
        self._stamp = self._look()
        self._looked = time.monotonic()
        self._rules = _read(path)

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
            self._rules = _read(self._path)
            log.info("rules read count=%d", len(self._rules))
        except SettingsError as error:
            log.warning("rules unchanged why=%s", error)

    def _look(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(path: Path) -> tuple[HouseRule, ...]:
    try:
        return house_rules(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"business_rules: {path} cannot be read ({error.strerror})") from None
    except SettingsError as error:
        raise SettingsError(f"business_rules: {path}: {error}") from None
    except (ValueError, RecursionError) as error:  # TOML's errors, bytes that are no UTF-8, endless numbers and lists
        raise SettingsError(f"business_rules: {path} is not valid TOML: {error}") from None
