"""The API as a server: until SIGTERM or Ctrl-C."""

import logging
import signal
from contextlib import suppress
from dataclasses import replace
from types import FrameType

import uvicorn

from adapters.saying import log_to_stderr
from adapters.settings import Settings
from schemas.errors import MillraceError
from serving_layer.http.app import create_app
from serving_layer.http.bodies import Limits
from serving_layer.http.protocol import BACKLOG, Connection, Sparing, most_connections


def configured(
    settings: Settings, host: str, port: int, limits: Limits | None = None, connection: type[Connection] = Connection
) -> uvicorn.Config:
    """How uvicorn runs the API. ``limits`` and ``connection`` are others in tests."""
    return uvicorn.Config(
        create_app(replace(settings, host=host), limits), host, port,
        http=connection, ws="none", backlog=BACKLOG, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=10,
    )  # fmt: skip


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way are answered first."""

    def already_stopping(number: int, frame: FrameType | None) -> None:
        """uvicorn sends itself the signal again once it has stopped; that is no reason to die of it."""

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, already_stopping)
    log_to_stderr("%(asctime)s %(name)s %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(Sparing())
    Connection.most = most_connections()
    server = uvicorn.Server(configured(settings, host, port))
    with suppress(SystemExit):  # that is how uvicorn reports that it cannot listen
        server.run()
    if not server.started:
        raise MillraceError(f"cannot serve on {host}:{port} (the log says why): name another with --host and --port")
