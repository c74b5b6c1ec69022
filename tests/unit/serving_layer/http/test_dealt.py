"""A worker that is handed its connections keeps the dealer waiting for none, and silence holds no place for long."""

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from adapters.machine.dealing import CONNECTION, ENDED, READY, TAKEN, Dealer
from serving_layer.http.dealt import DealtServer
from serving_layer.http.protocol import Connection
from tests.kit.certificates import certificate
from tests.kit.waiting import until

MOST = 6


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def working(channel: int, **more: Any) -> Iterator[DealtServer]:
    config = uvicorn.Config(app, http=Connection, loop="uvloop", ws="none", lifespan="off", log_config=None, **more)
    with socket.socket(fileno=channel) as its:
        server = DealtServer(config, its)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.should_exit = True
            thread.join()


def heard(channel: socket.socket, count: int) -> bytes:
    said = b""
    while len(said) < count:
        said += channel.recv(count - len(said))
    return said


def test_a_connection_that_finds_no_free_file_ends_at_once_and_is_not_kept_waiting() -> None:
    ours, its = socket.socketpair()
    ours.settimeout(60)
    with ours, working(its.detach()):
        assert heard(ours, 1) == READY
        ours.send(CONNECTION)  # its file is missing: so the system reports that there is no room for one
        assert heard(ours, 2) == TAKEN + ENDED


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[tuple[str, int], ssl.SSLContext]]:
    """Where a worker with few places answers by HTTPS, and what trusts it."""
    made, key = certificate(tmp_path)
    monkeypatch.setattr(Connection, "most", MOST)
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        dealer = Dealer(listening)
        stack.enter_context(dealer.dealing())
        with dealer.seat() as number:
            channel = os.dup(number)
        stack.enter_context(working(channel, ssl_certfile=str(made), ssl_keyfile=str(key)))
        yield listening.getsockname(), ssl.create_default_context(cafile=str(made))


def waits(client: socket.socket) -> bool:
    """Whether the connection is open and nothing has come."""
    client.settimeout(0)
    try:
        client.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def test_clients_that_never_speak_tls_hold_no_more_places_than_there_are(
    address: tuple[tuple[str, int], ssl.SSLContext],
) -> None:
    (host, port), trusts = address

    def get() -> bytes:
        with trusts.wrap_socket(socket.create_connection((host, port)), server_hostname=host) as client:
            client.settimeout(60)
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return b"".join(iter(lambda: client.recv(1_000), b""))

    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection((host, port))) for _ in range(5 * MOST)]
        until(lambda: sum(map(waits, silent)) <= MOST)
        assert get().endswith(b"ok")
