"""The API as a server: until SIGTERM or Ctrl-C."""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

import uvicorn

from adapters.machine.allocator import give_large_blocks_back
from adapters.machine.compiled import keep_compiled
from adapters.machine.dealing import WAITING_CONNECTIONS, Dealer
from adapters.machine.stopping import until_stopped
from adapters.settings import Settings
from adapters.terminal.reporting import log_to_stderr
from adapters.tracing.active import traced
from schemas.errors import MillraceError
from serving_layer.access.start import speaks_tls
from serving_layer.http.app import create_app
from serving_layer.http.bodies import Limits
from serving_layer.http.dealt import DealtServer
from serving_layer.http.description import STYLE_HASH
from serving_layer.http.exchange import safe_headers
from serving_layer.http.prompt import PromptConnection
from serving_layer.http.protocol import BACKLOG, Connection, most_connections
from serving_layer.http.sparing import Sparing

# The interpreter lets another thread compute after that long. SQLite lets go of it at every row, so with the default of
# 5 ms a look that reads 200 rows beside busy answers took up to a second, and so did an answer that reads as many.
SWITCH_SECONDS = 0.0002


def configured(
    settings: Settings,
    host: str,
    port: int,
    limits: Limits | None = None,
    connection: type[Connection] = PromptConnection,
) -> uvicorn.Config:
    """Return how uvicorn runs the API. ``limits`` and ``connection`` are others in tests."""
    return uvicorn.Config(
        create_app(replace(settings, http=replace(settings.http, host=host)), limits), host, port,
        http=connection, loop="uvloop", ws="none", backlog=BACKLOG,
        ssl_certfile=settings.http.tls_certificate or None, ssl_keyfile=settings.http.tls_key or None,
        headers=safe_headers(STYLE_HASH, speaks_tls(settings)),
        log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=10,
    )  # fmt: skip


def run(
    settings: Settings, host: str, port: int, listening: int | None = None, dealt_by: int | None = None
) -> None:  # fmt: skip
    """Serve until SIGTERM or Ctrl-C; requests under way are answered first.

    Args:
        listening: the number of a socket on ``host`` and ``port`` that listens already; None: open one.
        dealt_by: the number of the channel over which the process that accepts hands over connections.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    keep_compiled()
    give_large_blocks_back()
    log_to_stderr()
    for handler in logging.getLogger().handlers:
        handler.addFilter(Sparing())
    Connection.most = most_connections()
    with ExitStack() as stack:
        stack.enter_context(traced(settings.tracing.endpoint, settings.tracing.sample, "serving"))
        config = configured(settings, host, port)
        channel = dealt_by or stack.enter_context(_dealt_here(host, port, listening))
        server = DealtServer(config, socket.socket(fileno=channel))
        # uvicorn has handlers of its own while it runs, and sends itself the signal again once it has stopped.
        with until_stopped(lambda: None), suppress(SystemExit):  # that is how uvicorn reports that it cannot start
            server.run()
    if not server.started:
        remedy = "if the address is taken, name another with --host and --port"
        raise MillraceError(f"cannot serve on {host}:{port}, and the log says why: {remedy}")


@contextmanager
def _dealt_here(host: str, port: int, listening: int | None) -> Iterator[int]:
    """Provide the number of a channel that brings connections accepted by this process itself.

    uvicorn's own way drops the clients of a burst, and gives unfinished handshakes of TLS any time and number.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = (
            socket.create_server((host, port), family=family, backlog=WAITING_CONNECTIONS)
            if listening is None
            else None
        )
    except OSError as error:
        why = f"cannot serve on {host}:{port} ({error.strerror}): name another with --host and --port"
        raise MillraceError(why) from None
    with opened or socket.socket(fileno=listening) as server:
        dealer = Dealer(server)
        with dealer.dealing():
            with dealer.seat() as number:
                channel = os.dup(number)
            yield channel
