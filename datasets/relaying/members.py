"""Several processes that relay as one command: each is a member of the group and has some of the partitions."""

import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.machine.children import Child, ChildFailed, start
from adapters.machine.stopping import INTERRUPTED
from adapters.machine.tail import Tail
from datasets.relaying.transform import Counts

LOOK_SECONDS = 0.1
STOP_SECONDS = 60.0  # that a member may take to commit what it has appended


@dataclass
class Members:
    """Runs the members until all have ended or ``stop`` is called; if one fails, the others end too.

    ``arguments``: the command's, for all. ``names``: of the members, each different in its group. ``folder``: for their
    logs, counts and metrics. ``environment``: more variables for them; passwords are there, as any user of the machine
    can read the arguments of a process.
    """

    arguments: Sequence[str]
    names: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Let all end after the records that they are relaying."""
        self.stopping.set()

    def run(self) -> Counts:
        """Relay; returns what all counted together.

        Raises:
            ChildFailed: a member ended by itself; what was not committed is relayed again by the next start.
        """
        numbers = range(len(self.names))
        tails, members = [Tail(self._log(number)) for number in numbers], list[Child]()
        try:
            for number in numbers:
                members.append(self._begun(number))
            while not self.stopping.is_set() and any(member.running for member in members):
                for member, tail in zip(members, tails, strict=True):
                    tail.show()
                    self._require_right(member)
                self.stopping.wait(LOOK_SECONDS)
        finally:
            _end_together(members)
            for tail in tails:
                tail.show()
        for member in members:
            self._require_right(member)
        return total([counts_in(self._counts(number)) for number in numbers])

    def _begun(self, number: int) -> Child:
        own = ["--member", self.names[number], "--counts-to", str(self._counts(number))]
        command = [sys.executable, "-m", "millrace", "relay", *self.arguments, *own]
        # As this process finds its modules, a zip of packages included.
        environment = {**os.environ, **self.environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return start(f"relay member {self.names[number]}", command, self._log(number), env=environment)

    def _require_right(self, member: Child) -> None:
        """Raise ChildFailed for a member that ended with an error."""
        status = member.process.poll()
        was_stopped = self.stopping.is_set() and status in (INTERRUPTED, -signal.SIGTERM)  # before it had begun
        if status and not was_stopped:
            raise ChildFailed(
                f"{member.name} ended with status {status}, so the others were stopped; what was not committed is "
                f"relayed again by the next start:\n{member.last_lines()}"
            )

    def _log(self, number: int) -> Path:
        return self.folder / f"{number}.log"

    def _counts(self, number: int) -> Path:
        return self.folder / f"{number}.json"


def _end_together(members: Sequence[Child]) -> None:
    """Ask all to end before the first is waited for."""
    for member in members:
        member.ask_to_end()
    for member in members:
        member.end(STOP_SECONDS)


def write_counts(counts: Counts, path: Path) -> None:
    """Write what a member counted."""
    path.write_text(json.dumps(vars(counts)))


def counts_in(path: Path) -> Counts:
    """Return what ``write_counts`` wrote; nothing, where a member was stopped before it began."""
    if not path.exists():
        return Counts()
    held = json.loads(path.read_text())
    return Counts(**{**held, **{name: Counter(held[name]) for name in ("left_out", "failed")}})


def total(counts: Sequence[Counts]) -> Counts:
    """Return the sum of what members counted."""
    numbers = {name: sum(getattr(one, name) for one in counts) for name in ("records", "events", "tombstones")}
    left_out = sum((one.left_out for one in counts), Counter[str]())
    return Counts(**numbers, left_out=left_out, failed=sum((one.failed for one in counts), Counter[str]()))
