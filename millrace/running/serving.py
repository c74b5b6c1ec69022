"""The processes of the HTTP API and the socket that they share, as ``up`` and ``serve`` run them."""

import os
import socket
import sys
from pathlib import Path

from adapters.settings import Settings
from millrace.running.supervisor import Part
from schemas.errors import SettingsError

WAITING_CONNECTIONS = 128  # while the API starts


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


def process_count(workers: int) -> int:
    """Return how many processes answer; 0 stands for one per core."""
    return workers or len(os.sched_getaffinity(0))


def serving_parts(settings: Settings, host: str, workers: int, server: socket.socket, metrics: Path) -> list[Part]:
    """Return the processes that accept on that socket; all but the first start once the first answers.

    Args: metrics: the folder in which they count together.
    """
    from serving_layer.access.keyring import OFF

    os.environ.setdefault("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    fd, port = server.fileno(), server.getsockname()[1]
    command = [sys.executable, "-m", "millrace", "serve", "--host", host, "--port", str(port), "--workers", "1"]
    command += ["--insecure"] if settings.http.keys == OFF else []
    command += ["--listening", str(fd), "--metrics-in", str(metrics)]
    logs, count = settings.home / "logs", process_count(workers)
    if count == 1:
        return [Part("serving", command, logs / "serve.log", fds=(fd,))]
    return [Part(f"worker {k}", command, logs / f"serve-{k}.log", fds=(fd,), later=k > 1) for k in range(1, count + 1)]
