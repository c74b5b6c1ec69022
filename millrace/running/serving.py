"""The processes of the HTTP API and the socket that they share, as ``up`` and ``serve`` run them."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapters.machine.cores import cores
from adapters.machine.dealing import WAITING_CONNECTIONS, Dealer
from adapters.settings import Settings
from millrace.running.supervisor import Part
from schemas.errors import SettingsError


def url_of(host: str, port: int, settings: Settings) -> str:
    """Return where a server of that host and port answers."""
    scheme = "https" if settings.http.tls_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def listening_at(host: str, port: int) -> socket.socket:
    """Return the socket of the API, opened before anything else starts and kept as long as this process runs."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=WAITING_CONNECTIONS)
    except OSError as error:
        raise SettingsError(
            f"cannot serve on {host}:{port} ({error.strerror}): another program has it, or it is not an address of "
            "this machine; name another with --host and --port"
        ) from error


def process_count(workers: int, cores_each: int = 1) -> int:
    """Return how many processes answer; 0 stands for one per ``cores_each`` cores."""
    return workers or max(1, cores() // cores_each)


@dataclass
class Worker(Part):
    """A process that is handed its connections; each of its lives has a channel of its own."""

    dealer: Dealer = field(kw_only=True)

    def start(self) -> None:
        """Start it; it takes connections once it can answer."""
        with self.dealer.seat() as channel:
            self.command, self.fds = [*self.command[:-1], str(channel)], (channel,)
            super().start()


@contextmanager
def serving_parts(
    settings: Settings, host: str, count: int, server: socket.socket, metrics: Path
) -> Iterator[list[Part]]:  # fmt: skip
    """Provide the processes that answer on that socket; all but the first start once the first answers.

    Several are dealt their connections by this process, for the length of the block.

    Args: metrics: the folder in which they count together.
    """
    from serving_layer.access.keyring import OFF

    os.environ.setdefault("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    fd, port = server.fileno(), server.getsockname()[1]
    command = [sys.executable, "-m", "millrace", "serve", "--host", host, "--port", str(port), "--workers", "1"]
    command += ["--insecure"] if settings.http.keys == OFF else []
    command += ["--metrics-in", str(metrics)]
    logs, dealer = settings.home / "logs", Dealer(server)
    if count == 1:
        yield [Part("serving", [*command, "--listening", str(fd)], logs / "serve.log", fds=(fd,))]
        return
    command += ["--dealt-by", ""]
    with dealer.dealing():
        yield [
            Worker(f"worker {k}", command, logs / f"serve-{k}.log", later=k > 1, dealer=dealer)
            for k in range(1, count + 1)
        ]
