"""Keeps a home's broker while commands use it: ``python -m adapters.broker.keeper HOME JARS LOCK_FD``.

Started by ``adapters.broker.embedded`` with the home's lock already taken. It leaves the terminal's session, so that
Ctrl-C does not end the broker before the commands that use it have finished.
"""

import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from adapters.broker.home import BrokerHome, replace_text, try_lock
from adapters.broker.process import ended, start_broker
from adapters.machine.children import Child
from adapters.terminal.reporting import log_to_stderr, logger
from schemas.errors import MillraceError, SettingsError

LINGER_SECONDS = 1.0  # so that commands run one after the other share one broker
POLL_SECONDS = 0.2
STOP_SECONDS = 20.0

log = logger("broker")


class Keeper:
    """The broker of one home, from its start to the end of its last user."""

    def __init__(self, files: BrokerHome, jars: Path, lock_fd: int) -> None:
        self.files, self.jars, self.lock_fd = files, jars, lock_fd
        self.asked_to_stop = False
        signal.signal(signal.SIGTERM, self._on_term)

    def run(self) -> None:
        """Start the broker, announce its address, wait until nobody uses it, and stop it."""
        with self.files.users.open("ab") as users:
            broker, announcement = start_broker(self.files, self.jars, self.lock_fd)
            log.info("ready bootstrap=%s pid=%d", announcement.bootstrap, broker.process.pid)
            try:
                self.files.announce(announcement)
                self._wait(broker, users.fileno())
            finally:
                self.files.announcement.unlink(missing_ok=True)
                broker.stop(STOP_SECONDS)
                log.info("stopped status=%d", broker.process.returncode)

    def _wait(self, broker: Child, users: int) -> None:
        """Return when it is time to stop, with ``users`` locked, so that a new command waits for the stop to end."""
        idle_since: float | None = None
        while not self.asked_to_stop:
            time.sleep(POLL_SECONDS)
            if not broker.running:
                raise ended(broker, self.files)
            if not try_lock(users, fcntl.LOCK_EX):
                idle_since = None
                continue
            idle_since = idle_since or time.monotonic()
            if time.monotonic() - idle_since >= LINGER_SECONDS:
                return
            fcntl.flock(users, fcntl.LOCK_UN)

    def _on_term(self, signum: int, frame: FrameType | None) -> None:
        self.asked_to_stop = True


def main(home: str, jars: str, lock_fd: str) -> None:
    """Leave the terminal and keep the broker; a failure is written into the home for the command that waits."""
    if os.fork():
        os._exit(0)  # the command waits for this process, so that it keeps no zombie
    os.setsid()
    log_to_stderr()
    files = BrokerHome(Path(home))
    try:
        Keeper(files, Path(jars), int(lock_fd)).run()
    except Exception as error:
        log.exception("gave up broker=%s", files.folder)
        failure = {"settings": isinstance(error, SettingsError), "text": str(error)}
        if not isinstance(error, MillraceError):
            failure["text"] = f"the embedded broker's keeper failed: {error!r}; see {files.keeper_log}"
        replace_text(files.failure, json.dumps(failure))
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
