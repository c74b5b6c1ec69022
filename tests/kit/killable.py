"""Servers that a test kills and starts again at their address."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from adapters.broker.embedded import embedded_broker, wait_until_stopped
from adapters.broker.home import BrokerHome
from tests.kit.cassandra import cassandra_process
from tests.kit.redis import redis_process


@dataclass
class Server:
    """A server that a test kills and starts again at its address: with its data, or without.

    ``running`` runs it in the given home and yields how it is killed.
    """

    home: Path
    running: Callable[[Path], AbstractContextManager[Callable[[], None]]]
    _life: ExitStack = field(default_factory=ExitStack)
    _kill: Callable[[], None] | None = None

    def start(self) -> None:
        """Returns once it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._life = ExitStack()
        self._kill = self._life.enter_context(self.running(self.home))

    def kill(self) -> None:
        """By SIGKILL; returns once it is gone."""
        if self._kill is not None:
            self._kill()
        self.stop()

    def lose(self) -> None:
        """Delete its data; it must not run."""
        shutil.rmtree(self.home)

    def stop(self) -> None:
        self._life.close()
        self._kill = None


def killable_redis(home: Path, port: int) -> Server:
    """Answers at ``redis://127.0.0.1:port``."""

    @contextmanager
    def running(home: Path) -> Iterator[Callable[[], None]]:
        with redis_process(port, home) as server:
            yield server.process.kill

    return Server(home, running)


def killable_cassandra(home: Path, port: int) -> Server:
    """Answers at ``127.0.0.1:port``."""

    @contextmanager
    def running(home: Path) -> Iterator[Callable[[], None]]:
        with cassandra_process(port, home) as server:
            yield server.process.kill

    return Server(home, running)


def killable_kafka(home: Path) -> Server:
    """Answers at ``embedded_broker(home)``, which keeps its port."""

    @contextmanager
    def running(home: Path) -> Iterator[Callable[[], None]]:
        with embedded_broker(home):
            yield lambda: kill_broker(home)
        wait_until_stopped(home)

    return Server(home, running)


def kill_broker(home: Path) -> None:
    """By SIGKILL; its keeper goes with it, and the next user starts both again."""
    named = f"{BrokerHome(home.resolve()).folder / 'server.properties'}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"kafka.Kafka" in words and named in words:
                os.kill(int(folder.name), signal.SIGKILL)
    wait_until_stopped(home)
