"""What one client may take of the HTTP API, so that others keep theirs: over sockets, as bad clients use them."""

import json
import logging
import os
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from httpx import Client

from adapters.machine.children import free_port
from adapters.settings import Settings
from serving_layer.http.bodies import FREE_BYTES, Limits
from serving_layer.http.prompt import PromptConnection
from serving_layer.http.sparing import Sparing
from tests.kit.serving import fill, problem, serving
from tests.kit.waiting import until

EVENT = {"kind": "view", "user_id": "u", "item_id": "i"}
HEAD = b"POST /api/v1/interactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
JSON = {"Content-Type": "application/json"}
KIB = 1024


class Hasty(PromptConnection):
    """With little patience and few places."""

    header_seconds = 1.0
    unread_seconds = 1.0
    most = 40


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("shop")
    world = fill(home)
    yield Settings.of(home=home, kafka="127.0.0.1:1")
    world.batch.close()
    world.speed.close()


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[Client]:
    with serving(settings, Limits(body_bytes=256 * KIB, body_seconds=2.0, held_bytes=512 * KIB), Hasty) as client:
        until(lambda: "is being opened" not in client.post("/interactions", json=EVENT).text)
        yield client


def connected(client: Client, sent: bytes = b"") -> socket.socket:
    """A connection on which that much was sent."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=120)
    connection.sendall(sent)
    return connection


def answer(connection: socket.socket) -> tuple[int, dict[str, object]]:
    """Status and problem of the answer that ends the connection, or of the first one."""
    with connection.makefile("rb") as lines:
        status = int(lines.readline().split()[1])
        headers = dict(line.lower().strip().split(b": ", 1) for line in iter(lines.readline, b"\r\n"))
        return status, json.loads(lines.read(int(headers[b"content-length"])))


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has closed it without an answer; waits until it does."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_unfinished_posts_keep_no_other_from_being_taken(client: Client) -> None:
    with ExitStack() as open_ones:
        for _ in range(30):
            open_ones.enter_context(closing(connected(client, HEAD + b"Content-Length: 1000\r\n\r\n[")))
        assert "the log" in problem(client.post("/interactions", json=EVENT), 503)["detail"]


def test_a_body_that_does_not_arrive_in_time_is_408(client: Client) -> None:
    with closing(connected(client, HEAD + b"Content-Length: 10\r\n\r\n[")) as slow:
        for _ in range(3):
            slow.sendall(b" ")
        status, body = answer(slow)
        assert (status, body["status"]) == (408, 408)
        assert is_closed(slow)


@pytest.mark.parametrize("path", ["/interactions", "/items", "/users", "/recommendations/u3"])
def test_no_body_is_larger_than_the_limit_whatever_it_says_of_its_length(client: Client, path: str) -> None:
    head = HEAD.replace(b"/interactions", path.encode())
    with closing(connected(client, head + b"Content-Length: 1000000000\r\n\r\n")) as announced:
        assert answer(announced)[0] == 413
    with closing(connected(client, head + b"Transfer-Encoding: chunked\r\n\r\n")) as chunked:
        for _ in range(5):
            chunked.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        assert answer(chunked)[0] == 413


def test_large_bodies_share_a_limit_and_small_ones_are_taken_beside_them(settings: Settings) -> None:
    large = HEAD + b"Content-Length: 250000\r\n\r\n" + b" " * 240_000
    patient = Limits(body_bytes=256 * KIB, body_seconds=60.0, held_bytes=512 * KIB)
    with serving(settings, patient) as client:
        with ExitStack() as open_ones:

            def no_room_is_left() -> bool:
                open_ones.enter_context(closing(connected(client, large)))
                return client.post("/items", content=b" " * 240_000, headers=JSON).status_code == 503

            until(no_room_is_left)
            small = json.dumps({"exclude": ["x" * 200] * (FREE_BYTES // 300)}).encode()
            assert client.post("/recommendations/u3", content=small, headers=JSON).status_code == 200
        until(lambda: client.post("/items", content=b" " * 240_000, headers=JSON).status_code == 422)


@pytest.mark.parametrize("sent", [b"", b"GET / HTT", b"GET /api/v1/trending HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_connection_whose_header_does_not_arrive_is_closed(client: Client, sent: bytes) -> None:
    with closing(connected(client, sent)) as half_open:
        assert is_closed(half_open)


def test_a_header_that_trickles_in_is_closed_all_the_same(client: Client) -> None:
    with closing(connected(client, b"GET / HTTP/1.1\r\nX: ")) as trickling:
        trickling.settimeout(0.1)

        def ended() -> bool:
            try:
                trickling.sendall(b"x")
                return trickling.recv(1) == b""
            except OSError as error:
                return not isinstance(error, TimeoutError)

        until(ended)


def test_a_second_request_on_a_connection_has_the_same_time(client: Client) -> None:
    request = b"GET /api/v1/trending HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with closing(connected(client, request)) as kept:
        assert answer(kept)[0] == 200
        kept.sendall(request)
        assert answer(kept)[0] == 200
        kept.sendall(request[:20])
        assert is_closed(kept)


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET /\xff HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000]
)
def test_what_is_no_request_gets_a_problem_document(client: Client, sent: bytes) -> None:
    with closing(connected(client, sent + b"\r\n\r\n")) as odd:
        assert answer(odd)[1]["status"] == 400
        assert is_closed(odd)


def test_a_body_that_breaks_off_in_the_middle_of_its_chunks_ends_its_connection_alone(client: Client) -> None:
    with closing(connected(client, HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[{}]")) as broken:
        broken.sendall(b"no chunk at all\r\n" * 3)
        assert answer(broken)[0] == 400
    assert client.get("/health").status_code == 200


def test_connections_without_a_request_give_way_to_those_with_one(client: Client) -> None:
    with ExitStack() as open_ones:
        held = [open_ones.enter_context(closing(connected(client, b"GET"))) for _ in range(3 * Hasty.most)]
        assert httpx.get(f"{client.base_url}trending", timeout=120).status_code == 200
        assert all(is_closed(connection) for connection in held[: 2 * Hasty.most])


def test_connections_with_an_unfinished_body_give_way_to_whole_requests(client: Client) -> None:
    with ExitStack() as open_ones:
        for _ in range(2 * Hasty.most):
            open_ones.enter_context(closing(connected(client, HEAD + b"Content-Length: 1000\r\n\r\n[")))
        assert all(httpx.get(f"{client.base_url}health", timeout=120).status_code == 200 for _ in range(5))


def unread(client: Client) -> socket.socket:
    """A connection that asks for more than the system buffers, and reads none of it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    connection.connect((client.base_url.host, client.base_url.port or 80))
    connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60)
    return connection


def test_connections_whose_answers_nobody_reads_give_way_to_whole_requests(client: Client) -> None:
    with ExitStack() as open_ones:
        for _ in range(2 * Hasty.most):
            open_ones.enter_context(closing(unread(client)))
        assert all(httpx.get(f"{client.base_url}health", timeout=120).status_code == 200 for _ in range(5))


def test_a_client_that_does_not_read_its_answers_is_closed(client: Client) -> None:
    with closing(unread(client)) as silent:
        until(lambda: silent.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0)


def test_a_client_that_reads_slowly_gets_all_its_answers(client: Client) -> None:
    with closing(unread(client)) as slow:
        slow.settimeout(5)
        began, read = time.monotonic(), 0
        while time.monotonic() < began + 3 * Hasty.unread_seconds:
            read += len(slow.recv(4_096))
            select.select([], [], [], 0.01)
        assert slow.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_half_open_connections_neither_stop_the_api_nor_fill_its_log(settings: Settings, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "serve.log"
    environment = {**os.environ, "MILLRACE_HOME": str(settings.home), "MILLRACE_KAFKA": "127.0.0.1:1"}
    command = ["import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))"]
    command.append(f"sys.argv[1:] = ['serve', '--port', '{port}']")
    command.append("from millrace.__main__ import main; main()")
    ours, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(2_000, most), most))
    url = f"http://127.0.0.1:{port}/health"

    def alive() -> bool:
        try:
            return httpx.get(url, timeout=120).status_code == 200
        except httpx.HTTPError:
            return False

    with log.open("wb") as output, ExitStack() as open_ones:
        server = subprocess.Popen([sys.executable, "-c", "\n".join(command)], stderr=output, env=environment)
        try:
            until(alive)
            for _ in range(600):
                open_ones.enter_context(closing(socket.create_connection(("127.0.0.1", port), 120))).sendall(b"GET /")
            assert all(alive() for _ in range(5))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (ours, most))
            server.terminate()
            server.wait()
    assert log.stat().st_size < 20_000


def test_a_message_that_repeats_is_cut_short_and_the_rest_is_counted() -> None:
    sparing = Sparing(most=2, seconds=10)

    def passes(text: str, at: float) -> str | None:
        record = logging.LogRecord("server", logging.WARNING, __file__, 1, text, (), None)
        record.created = at
        return str(record.msg) if sparing.filter(record) else None

    assert [passes("full", at) for at in (0, 1, 2, 3)] == ["full", "full", None, None]
    assert passes("other", 3) == "other"
    assert passes("full", 11) == "full (2 more like this were left out)"
    assert passes("full", 22) == "full"
