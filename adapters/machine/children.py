"""Child processes that end when this one does, even by a kill -9 of this one (on Linux).

The kernel sends the death signal when the *thread* that forked ends, not the process. So every child is started by one
thread that lives as long as the process.
"""

import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from adapters.machine.rotation import begin_again
from schemas.errors import MillraceError

LEASH = files(__package__) / "leash.py"
POLL_SECONDS = 0.05
TAIL_BYTES = 64 * 1024
# Below the range for outgoing connections, which could take a server's port while it restarts.
SERVER_PORTS = range(20_000, 32_000)


class ChildFailed(MillraceError):
    """A child ended or did not become ready; the text carries the last lines of its log."""


@dataclass(frozen=True)
class Child:
    """A running program; ``log`` holds what it writes to stdout and stderr."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def last_lines(self, count: int = 15) -> str:
        """Return the end of its log."""
        return last_lines(self.log, count)

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Return once ``ready()`` is true.

        Raises:
            ChildFailed: it ended, or was not ready after ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise ChildFailed(f"{self.name} ended with status {self.process.returncode}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise ChildFailed(f"{self.name} was not ready after {timeout:g} s:\n{self.last_lines()}")
            time.sleep(POLL_SECONDS)

    def stop(self, grace: float = 10.0) -> None:
        """Ask it to end; after ``grace`` seconds kill it and everything it started. Harmless when it has ended."""
        self.ask_to_end()
        self.end(grace)

    def ask_to_end(self) -> None:
        """Send it SIGTERM, unless it has ended."""
        if self.running:
            self.process.terminate()

    def end(self, grace: float) -> None:
        """Wait until it has ended; after ``grace`` seconds kill it and everything it started."""
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)  # it leads a group of its own, see start
            self.process.wait()


def start(
    name: str,
    command: Sequence[str],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    pass_fds: Collection[int] = (),
) -> Child:
    """Start a child that the kernel kills when this process ends; it appends its output to ``log``.

    It gets its own session, so that Ctrl-C reaches only this process, which then stops its children in order.
    A command that cannot be run ends with status 127 and writes the reason to the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    begin_again(log)
    leash = [sys.executable, "-I", "-S", *_leash(), str(os.getpid()), str(int(signal.SIGKILL)), *command]

    def spawn() -> "subprocess.Popen[bytes]":
        with log.open("ab") as output:
            return subprocess.Popen(
                leash,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                pass_fds=tuple(pass_fds),
                start_new_session=True,
            )

    return Child(name, _from_lasting_thread(spawn), log)


def _leash() -> list[str]:
    """Return Python's arguments that run the leash: its file, or its text where the packages are in a zip."""
    return [str(LEASH)] if isinstance(LEASH, Path) else ["-c", LEASH.read_text()]


@contextmanager
def child(
    name: str, command: Sequence[str], log: Path, *, grace: float = 10.0, env: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Start a child for the block, and ``stop`` it with ``grace`` seconds at its end."""
    started = start(name, command, log, env=env)
    try:
        yield started
    finally:
        started.stop(grace)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing uses now, and that no other call gives out while this process runs.

    A Java server takes seconds until it binds its port. Until then the UDP port of the same number keeps others away.
    A program that asks elsewhere may still take it.

    Raises:
        ChildFailed: none is free.
    """
    for port in random.sample(SERVER_PORTS, len(SERVER_PORTS)):
        if port_is_free(port) and _kept(port):
            return port
    raise ChildFailed(f"no TCP port of 127.0.0.1 from {SERVER_PORTS[0]} to {SERVER_PORTS[-1]} is free")


def _kept(port: int) -> bool:
    """Return whether this process keeps the port for itself from now on."""
    keeper = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        keeper.bind(("127.0.0.1", port))
    except OSError:
        keeper.close()
        return False
    keeper.detach()  # open as long as the process lives
    return True


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on that port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def listening(port: int, timeout: float = 1.0) -> bool:
    """Return whether something accepts connections on that port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout):
            return True
    except OSError:
        return False


def last_lines(log: Path, count: int) -> str:
    """Return the last ``count`` lines of a file; empty when there is none."""
    try:
        with log.open("rb") as lines:
            lines.seek(max(0, lines.seek(0, os.SEEK_END) - TAIL_BYTES))
            return "\n".join(lines.read().decode(errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return ""


_Spawn = Callable[[], "subprocess.Popen[bytes]"]
_Request = tuple[_Spawn, "Future[subprocess.Popen[bytes]]"]
_spawner: "queue.SimpleQueue[_Request] | None" = None  # requests to the thread that starts the children
_spawner_lock = threading.Lock()


def _from_lasting_thread(spawn: _Spawn) -> "subprocess.Popen[bytes]":
    answer: Future[subprocess.Popen[bytes]] = Future()
    _requests().put((spawn, answer))
    return answer.result()


def _requests() -> "queue.SimpleQueue[_Request]":
    global _spawner
    with _spawner_lock:
        if _spawner is None:
            _spawner = queue.SimpleQueue()
            threading.Thread(target=_spawn_requested, args=(_spawner,), name="children", daemon=True).start()
        return _spawner


def _spawn_requested(requests: "queue.SimpleQueue[_Request]") -> None:
    while True:
        spawn, answer = requests.get()
        try:
            answer.set_result(spawn())
        except BaseException as error:  # noqa: BLE001 - the caller gets it
            answer.set_exception(error)


def _forget_spawner() -> None:
    """Forget the thread in a forked copy of this process, which has none of its threads."""
    global _spawner, _spawner_lock
    _spawner, _spawner_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_spawner)
