"""Several processes that relay as one command: each is a member of the group and has some of the partitions."""

import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from adapters.machine.children import Child, ChildFailed, child
from adapters.machine.tail import Tail
from datasets.relaying.transform import Counts

LOOK_SECONDS = 0.1
STOP_SECONDS = 60.0  # that a member may take to commit what it has appended


@dataclass
class Members:
    """Runs the members until all have ended or ``stop`` is called; if one fails, the others end too.

    ``arguments``: the command's, for all. ``names``: of the members, each different in its group. ``folder``: for their
    logs, counts and metrics.
    """

    arguments: Sequence[str]
    names: Sequence[str]
    folder: Path
    stopping: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Let all end after the records that they are relaying."""
        self.stopping.set()

    def run(self) -> Counts:
        """Relay; returns what all counted together.

        Raises:
            ChildFailed: a member ended by itself; what was not committed is relayed again by the next start.
        """
        with ExitStack() as stack:
            members = [stack.enter_context(self._begun(number)) for number in range(len(self.names))]
            tails = [Tail(member.log) for member in members]
            for tail in tails:
                stack.callback(tail.show)
            stack.callback(_end_together, members)
            while not self.stopping.is_set() and any(member.running for member in members):
                for member, tail in zip(members, tails, strict=True):
                    tail.show()
                    _require_right(member)
                self.stopping.wait(LOOK_SECONDS)
        for member in members:
            _require_right(member)
        return total([counts_in(self._counts(number)) for number in range(len(self.names))])

    def _begun(self, number: int) -> AbstractContextManager[Child]:
        own = ["--member", self.names[number], "--counts-to", str(self._counts(number))]
        command = [sys.executable, "-m", "millrace", "relay", *self.arguments, *own]
        # As this process finds its modules, a zip of packages included.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        log = self.folder / f"{number}.log"
        return child(f"relay member {self.names[number]}", command, log, grace=STOP_SECONDS, env=environment)

    def _counts(self, number: int) -> Path:
        return self.folder / f"{number}.json"


def _end_together(members: Sequence[Child]) -> None:
    """Ask all to end before the first is waited for."""
    for member in members:
        if member.running:
            member.process.terminate()
    for member in members:
        member.stop(STOP_SECONDS)


def _require_right(member: Child) -> None:
    if member.process.poll():
        raise ChildFailed(
            f"{member.name} ended with status {member.process.returncode}, so the others were stopped; what was not "
            f"committed is relayed again by the next start:\n{member.last_lines()}"
        )


def write_counts(counts: Counts, path: Path) -> None:
    """Write what a member counted."""
    path.write_text(json.dumps(vars(counts)))


def counts_in(path: Path) -> Counts:
    """Return what ``write_counts`` wrote."""
    held = json.loads(path.read_text())
    return Counts(**{**held, **{name: Counter(held[name]) for name in ("left_out", "failed")}})


def total(counts: Sequence[Counts]) -> Counts:
    """Return the sum of what members counted."""
    numbers = {name: sum(getattr(one, name) for one in counts) for name in ("records", "events", "tombstones")}
    left_out = sum((one.left_out for one in counts), Counter[str]())
    return Counts(**numbers, left_out=left_out, failed=sum((one.failed for one in counts), Counter[str]()))
