"""Processes of the command line that are killed, and started again as systemd or Kubernetes would."""

import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from adapters.machine.beside import beside
from tests.kit.commands import Commands
from tests.kit.processes import MARKS, command_line, descendants
from tests.kit.waiting import PATIENCE_SECONDS, until

RESTART_SECONDS = 0.5


@dataclass
class Part:
    """One command that should run while it is ``kept``; ``faults`` are the named steps at which its lives end."""

    name: str
    words: tuple[str, ...]
    commands: Commands
    log: Path
    pause_seconds: float = RESTART_SECONDS  # before it is started again
    faults: deque[str] = field(default_factory=deque)
    settings: Callable[[], dict[str, str]] = dict  # of its next life, beside those that all have
    kept: bool = False
    process: "Popen[bytes] | None" = None
    fault: str = ""
    lives: int = 0
    kills: Counter[str] = field(default_factory=Counter)  # by what was killed, or at which step
    ends: list[str] = field(default_factory=list)  # what those lives said that ended by themselves
    _life: ExitStack = field(default_factory=ExitStack)
    _began: int = 0
    _ended_at: float = 0.0
    _struck: bool = False
    _stopped: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def said(self) -> str:
        """What its present life, or the last one, has written so far."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as lines:
            lines.seek(self._began)
            return lines.read().decode(errors="replace")

    def look(self) -> None:
        """Note an end, and start it again after a moment if it is kept; called now and then by the keeper."""
        with self._lock:
            if self.process is not None and not self.runs:
                self._note_end(self.process.returncode)
            if self.process is None and self.kept and time.monotonic() > self._ended_at + self.pause_seconds:
                self._start()

    def kill(self, whom: str = "driver") -> None:
        """SIGKILL to the command's own process, or to one that it started, if any: ``engine`` (Java), ``worker``."""
        with self._lock:
            if not self.runs or self.process is None:
                return
            victim = self.process.pid
            if whom != "driver":
                victims = [pid for pid in descendants(victim) if MARKS[whom] in command_line(pid)]
                if victims:
                    victim = victims[-1]
                else:  # it has none of those, as on the local engine
                    whom = "driver"
            self._struck = True
            self.kills[whom] += 1
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            if whom == "driver":
                self.process.wait()

    def stop(self) -> None:
        """End it as an orderly shutdown would, and keep it no longer."""
        with self._lock:
            self.kept = False
            if self.process is not None and self.runs:
                self._stopped = True
                self.process.send_signal(signal.SIGTERM)
                self.process.wait(90)
            self.look()

    def end(self) -> None:
        """For good, at the end of a test; not counted."""
        with self._lock:
            self.kept = False
            self._life.close()

    def wait_until_it_says(self, text: str) -> None:
        until(lambda: text in self.said(), why=lambda: f"{self.name} does not say {text!r}: {self.said()[-2000:]}")

    def wait_for_the_faults(self, seconds_per_life: float = PATIENCE_SECONDS) -> None:
        """Return once each fault has ended a life."""
        seconds = seconds_per_life * (1 + len(self.faults))
        until(lambda: not self.faults and not self.fault, seconds, lambda: (self.faults, self.fault, self.said()))

    def _start(self) -> None:
        self._began = self.log.stat().st_size if self.log.exists() else 0
        self.fault = self.faults.popleft() if self.faults else ""
        self._life, self._struck, self._stopped = ExitStack(), False, False
        env = self.settings() | ({"MILLRACE_FAULT": self.fault} if self.fault else {})
        self.process = self._life.enter_context(self.commands.started(*self.words, log=self.log, **env))
        self.lives += 1

    def _note_end(self, status: int) -> None:
        self._life.close()
        self.process, self._ended_at = None, time.monotonic()
        if status == -signal.SIGKILL and self.fault and not self._struck:
            self.kills[f"at {self.fault}"] += 1
        elif status == -signal.SIGTERM and self._stopped and not self.said().strip():
            pass  # it was stopped before Python had begun to run it
        elif status not in (0, -signal.SIGKILL):
            lines = [line for line in self.said().splitlines() if line.strip()] or ["(nothing)"]
            sentences = [line for line in lines if line.startswith("millrace: ")]
            self.ends.append(f"{self.name} ended with {status}: {(sentences or ['UNEXPLAINED ' + lines[-1]])[-1]}")
        self.fault = ""


@contextmanager
def kept(*parts: Part) -> Iterator[None]:
    """Starts those again that ended, for the length of the block, and then stops all."""
    over = threading.Event()

    def keep() -> None:
        while not over.wait(0.1):
            for part in parts:
                part.look()

    try:
        with beside(keep, over.set, "keeper"):
            yield
    finally:
        for part in parts:
            part.end()
