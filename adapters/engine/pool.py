"""Worker processes that end with this one, kill -9 included: a task to each, an answer from each."""

import os
import pickle
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from adapters.engine.errors import EngineLost
from adapters.machine.children import Child, start
from schemas.errors import MillraceError

STOP_SECONDS = 5.0


class TaskFailed(Exception):
    """What a task raised that is none of ours, as its traceback."""


class Pool:
    """``count`` workers, each running ``module``, which calls ``serve`` with the number in its last argument."""

    def __init__(self, count: int, module: str, log: Path, env: Mapping[str, str] | None = None) -> None:
        self._log, self._lines, self._children = log, list[Connection](), list[Child]()
        self._ready, self._waiting = False, threading.Lock()
        for number in range(count):
            ours, theirs = socket.socketpair()
            with theirs:
                command = [sys.executable, "-m", module, str(theirs.fileno())]
                child = start(f"worker {number}", command, log, env=env, pass_fds=[theirs.fileno()])
            self._children.append(child)
            self._lines.append(Connection(ours.detach()))

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def ready(self) -> bool:
        """Whether all have started; does not wait."""
        return self._ready or (all(line.poll() for line in self._lines) and self.wait_until_ready())

    def wait_until_ready(self) -> bool:
        """Return, with True, once all have started; several threads may wait, as each worker reports it once.

        Raises: EngineLost: one ended.
        """
        with self._waiting:
            if not self._ready:
                self._received()
                self._ready = True
        return True

    def run_all(self, tasks: Sequence[Any]) -> list[Any]:
        """Run one task on each worker and return their results; all have ended when this returns or raises.

        Raises:
            EngineLost: a worker ended.      What a task raised, the first one's.
        """
        self.wait_until_ready()
        try:
            for line, task in zip(self._lines, tasks, strict=True):
                line.send_bytes(pickle.dumps(task, pickle.HIGHEST_PROTOCOL))
        except OSError as error:
            raise self._lost() from error
        answers = self._received()
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return answers

    def _received(self) -> list[Any]:
        """Return one answer from each, in the order of the workers."""
        answers: dict[int, Any] = {}
        try:
            while len(answers) < len(self._lines):
                for line in wait([line for n, line in enumerate(self._lines) if n not in answers]):
                    assert isinstance(line, Connection)
                    answers[self._lines.index(line)] = pickle.loads(line.recv_bytes())  # noqa: S301 - a worker's own bytes, from its parent
        except (EOFError, OSError) as error:
            raise self._lost() from error
        return [answers[number] for number in range(len(self._lines))]

    def _lost(self) -> EngineLost:
        return EngineLost(
            "a process of the local engine ended (a worker), as when the system kills one for its memory; "
            "nothing that readers see has changed: run the command again, with more memory or a smaller "
            f"max_events_per_batch if it happens again (its log: {self._log})"
        )

    def close(self) -> None:
        """End the workers; harmless when they have ended."""
        for line in self._lines:
            line.close()  # a worker ends when it reads the end
        for child in self._children:
            child.stop(STOP_SECONDS)


def serve(number: int, work: Callable[[Any], Any]) -> None:
    """Run a worker: answer task after task until the other end is closed."""
    line = Connection(number)
    line.send_bytes(pickle.dumps("ready"))
    while True:
        try:
            task = line.recv_bytes()
        except (EOFError, OSError):
            os._exit(0)  # without waiting for what a client of Kafka's still does
        line.send_bytes(_answer(task, work))


def _answer(task: bytes, work: Callable[[Any], Any]) -> bytes:
    try:
        return pickle.dumps(work(pickle.loads(task)), pickle.HIGHEST_PROTOCOL)  # noqa: S301 - a parent's own bytes, from its worker
    except MillraceError as error:
        return pickle.dumps(error, pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 - it is raised again on the other side
        return pickle.dumps(TaskFailed(traceback.format_exc()), pickle.HIGHEST_PROTOCOL)
