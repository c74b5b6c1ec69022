"""What the connection takes for a request, over a socket, with an application that echoes what it got."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn

from serving_layer.http.protocol import BACKLOG, MAX_HEADER_BYTES, MAX_PIPELINED, Connection
from tests.kit.waiting import until

HOST = b"Host: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
MANY_LINES = (b"X: " + b"x" * 1_000 + b"\r\n") * (MAX_HEADER_BYTES // 1_000 + 2)
AGAIN = b"GET /again HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the method, the path, the header's names and the length of the body."""
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    if scope["raw_path"] == b"/later":
        for _ in range(10):  # rounds of the loop, in which a connection may be lost
            await asyncio.sleep(0)
    request = [scope["method"], scope["raw_path"].decode(), [name.decode() for name, _ in scope["headers"]], length]
    body = json.dumps(request).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    config = uvicorn.Config(
        echo, "127.0.0.1", 0, http=Connection, loop="uvloop", ws="none", backlog=BACKLOG, lifespan="off",
        log_config=None, access_log=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def answers(port: int, sent: bytes) -> list[tuple[int, Any]]:
    """Status and body of every answer until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(sent)
        with connection.makefile("rb") as lines:
            out = []
            while status := lines.readline():
                headers = dict(line.lower().strip().split(b": ", 1) for line in iter(lines.readline, b"\r\n"))
                out.append((int(status.split()[1]), json.loads(lines.read(int(headers[b"content-length"])))))
            return out


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST * 2 + b"\r\n",
        b"GET / HTTP/2.0\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"A b: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEADER_BYTES + b"\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + MANY_LINES + b"\r\n",
        b"GET /" + b"x" * MAX_HEADER_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT a:80 HTTP/1.1\r\n" + HOST + b"\r\n",
        CHUNKED + b"5\r\n[{}]no chunk at all\r\n",
    ],
)
def test_what_is_no_request_is_400_and_ends_the_connection(port: int, sent: bytes) -> None:
    [(status, problem)] = answers(port, sent)
    assert (status, problem["status"]) == (400, 400)


def test_a_header_with_two_lengths_is_400_and_named(port: int) -> None:
    [(status, problem)] = answers(port, CHUNKED.replace(HOST, HOST + b"Content-Length: 2\r\n") + b"0\r\n\r\n")
    assert status == 400
    assert "both Content-Length and Transfer-Encoding" in problem["detail"]


def test_an_older_client_needs_no_host(port: int) -> None:
    assert answers(port, b"GET / HTTP/1.0\r\n\r\n") == [(200, ["GET", "/", [], 0])]


def test_a_path_stays_as_it_was_sent(port: int) -> None:
    assert answers(port, AGAIN.replace(b"/again", b"/a%2Fb%20"))[0][1][1] == "/a%2Fb%20"


@pytest.mark.parametrize("method", ["BREW", "TRACE", "PROPFIND"])
def test_any_method_reaches_the_application(port: int, method: str) -> None:
    assert answers(port, AGAIN.replace(b"GET", method.encode()))[0][1][:2] == [method, "/again"]


def test_what_follows_the_chunks_of_a_body_is_no_header(port: int) -> None:
    first, second = answers(port, CHUNKED + b"2\r\nab\r\n0\r\nOrigin: evil\r\n\r\n" + AGAIN)
    assert first == (200, ["POST", "/", ["host", "transfer-encoding"], 2])
    assert second[1][1] == "/again"


def test_what_follows_the_chunks_of_a_body_has_the_limit_of_a_header(port: int) -> None:
    assert answers(port, CHUNKED + b"2\r\nab\r\n0\r\n" + MANY_LINES)[-1][0] == 400


def test_an_upgrade_that_a_client_offers_is_not_taken_and_the_connection_goes_on(port: int) -> None:
    offered = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(b"GET /first HTTP/1.1\r\n" + HOST + offered + b"\r\n")
        assert connection.recv(10_000).startswith(b"HTTP/1.1 200")
        connection.sendall(AGAIN)
        with connection.makefile("rb") as rest:
            assert b'"/again"' in rest.read()


def test_requests_that_follow_at_once_are_answered_in_their_order(port: int) -> None:
    sent = b"".join(AGAIN.replace(b"/again", b"/%d" % k).replace(b"Connection: close\r\n", b"") for k in range(60))
    assert [echo[1] for _, echo in answers(port, sent + AGAIN)] == [*(f"/{k}" for k in range(60)), "/again"]


def test_one_who_sends_far_ahead_of_the_answers_is_cut_off(port: int) -> None:
    with suppress(ConnectionError):
        assert answers(port, AGAIN.replace(b"Connection: close\r\n", b"") * (3 * MAX_PIPELINED)) == []


def test_an_answer_under_way_when_the_connection_closes_is_dropped_in_silence(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    later = AGAIN.replace(b"Connection: close\r\n", b"").replace(b"/again", b"/later")
    with suppress(ConnectionResetError):
        assert answers(port, later + later + b"no request\r\n\r\n") == []
    assert answers(port, AGAIN)[0][0] == 200  # by then the application has answered the first one, too
    assert not [record for record in caplog.records if record.exc_info]
