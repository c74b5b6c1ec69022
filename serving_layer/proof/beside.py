"""``verify`` as a process beside the API: begun by a request, one at a time for each home, its progress in a file."""

import json
import os
import sys
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_SH
from pathlib import Path
from typing import Any

from adapters.broker.home import try_lock
from adapters.machine.children import Child, start
from adapters.machine.home import prepare_home

NEVER = {"outcome": "never", "phase": "", "sums": 0, "mismatches": 0}
BROKEN = "it ended without a result: the log of this run has the reason"


_begun: list[Child] = []  # by this process: whoever forgets a child that runs leaves a zombie behind


def _runs(child: Child) -> bool:
    return child.running


class Proofs:
    """The runs in one home. Any process of the API may ask; the process that runs holds the lock."""

    def __init__(self, home: Path) -> None:
        self._home, self._lock, self._file = home, home / "verify.lock", home / "verify.json"

    def begin(self, sample: int) -> bool:
        """Start a run over that many items; False, changing nothing, while one is under way."""
        prepare_home(self._home)
        with self._lock.open("a+") as lock:
            if not try_lock(lock.fileno(), LOCK_EX):
                return False
            self._file.unlink(missing_ok=True)
            command = [sys.executable, "-m", "millrace", "verify", "--json", "--sample", str(sample)]
            command += ["--progress", str(self._file)]
            root = str(Path(__file__).resolve().parents[2])
            env = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", root), "MILLRACE_HOME": str(self._home)}
            # The child keeps the lock by the file that it inherits, for as long as it lives.
            log = self._home / "logs" / "verify.log"
            _begun[:] = [*filter(_runs, _begun), start("verify", command, log, env=env, pass_fds=[lock.fileno()])]
        return True

    def state(self) -> dict[str, Any]:
        """Return how far the run under way is, or how the last one ended; ``outcome`` is never before the first."""
        runs = self._runs()
        with suppress(FileNotFoundError, ValueError):
            said: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
            if said["outcome"] == "running" and not runs and not self._runs():
                return {**said, "outcome": "failed", "error": BROKEN}
            return said
        return {**NEVER, "outcome": "running", "phase": "starting"} if runs else NEVER

    def _runs(self) -> bool:
        try:
            with self._lock.open("a+") as lock:
                return not try_lock(lock.fileno(), LOCK_SH)
        except FileNotFoundError:
            return False
