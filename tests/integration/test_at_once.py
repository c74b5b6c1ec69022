"""Plain lookups are answered on the connection: the same bytes as from the routes, and nothing else is."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from httpx import Client, Response
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from adapters.settings import Settings
from serving_layer.http.at_once import Answer, AtOnce
from serving_layer.http.protocol import Connection
from tests.kit.serving import SLASHED, fill, serving
from tests.kit.small_lambda import SmallLambda
from tests.kit.waiting import until

PLAIN = (
    "/api/v1/recommendations/u3", "/api/v1/recommendations/nobody", "/api/v1/items/x1/similar", "/api/v1/trending",
    f"/api/v1/items/{quote(SLASHED, safe='')}/similar", "/api/v1/users/u3/history", "/health", "/api/v1/health",
)  # fmt: skip
PARAMETERS = {
    "n": ["1", "3", "1000", "1001", "0", "-1", "007", "1.0", "x", ""],
    "offset": ["0", "2", "-1", "99999999999", "1e3"],
    "category": ["c0", "nothing", "", "c%30", "c+0"],
    "window": ["1h", "24h", "7d", "25m", "x"],
    "as_of": ["1760000000000", "x"],
    "at_least": ["0:0", "0:1", "0:999999999", "77:1", "x", "0:"],
    "wait": ["0s", "x"],
    "exclude": ["x1", ""],
    "include_seen": ["true", "x"],
    "offest": ["1"],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def world(home: Path) -> Iterator[SmallLambda]:
    """Whose speed layer has not applied the last events."""
    made = fill(home, speed_until=160)
    yield made
    made.batch.close()
    made.speed.close()


@pytest.fixture(scope="module")
def clients(home: Path, world: SmallLambda) -> Iterator[tuple[Client, Client]]:
    """Of a server that answers on the connection, and of one that does not."""
    settings = Settings.of(home=home, kafka="127.0.0.1:1")
    with serving(settings) as prompt, serving(settings, connection=Connection) as plain:
        for path in PLAIN:
            until(lambda path=path: same(prompt.get(at(prompt, path)), plain.get(at(plain, path))))  # type: ignore[misc]
        yield prompt, plain


def at(client: Client, path: str) -> str:
    """The path's URL; clients begin under /api/v1."""
    return f"http://{client.base_url.host}:{client.base_url.port}{path}"


def same(one: Response, other: Response) -> bool:
    own = ("date", "x-request-id")
    headers = [{name: value for name, value in answer.headers.items() if name not in own} for answer in (one, other)]
    return (one.status_code, one.content, headers[0]) == (other.status_code, other.content, headers[1])


@st.composite
def queries(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from([*PARAMETERS]), max_size=3))
    return "&".join(f"{name}={draw(st.sampled_from(PARAMETERS[name]))}" for name in names)


@given(path=st.sampled_from(PLAIN), query=queries())
@examples(max_examples=150, deadline=None)
def test_both_ways_give_the_same_answer(clients: tuple[Client, Client], path: str, query: str) -> None:
    prompt, plain = clients
    url = f"{path}?{query}&wait=0s" if "at_least" in query and "wait" not in query else f"{path}?{query}"
    one, other = prompt.get(at(prompt, url)), plain.get(at(plain, url))
    assert same(one, other), (one.text, other.text)


@pytest.mark.parametrize("path", PLAIN)
def test_a_plain_request_is_answered_on_the_connection(
    clients: tuple[Client, Client], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt, _ = clients
    answers: list[Answer | None] = []
    original = AtOnce.answer
    monkeypatch.setattr(AtOnce, "answer", lambda self, scope: answers.append(original(self, scope)) or answers[-1])
    answer = prompt.get(at(prompt, path))
    assert [known and known.body for known in answers] == [answer.content]


def test_a_question_that_was_asked_before_has_another_answer_after_a_commit(
    clients: tuple[Client, Client], world: SmallLambda
) -> None:
    prompt, plain = clients
    asked = [at(prompt, path) for path in PLAIN[:6]]
    before = [[prompt.get(url).content for url in asked] for _ in range(2)]
    assert before[0] == before[1]
    world.run_speed(200)
    for url, old in zip(asked, before[0], strict=True):
        until(lambda url=url, old=old: prompt.get(url).content != old)  # type: ignore[misc]
    for path in PLAIN[:6]:
        until(lambda path=path: same(prompt.get(at(prompt, path)), plain.get(at(plain, path))))  # type: ignore[misc]


@pytest.mark.parametrize("headers", [{"Host": "shop.example"}, {"Origin": "http://shop.example"}])
def test_the_guard_sees_every_other_request(clients: tuple[Client, Client], headers: dict[str, str]) -> None:
    prompt, _ = clients
    for path in PLAIN:
        assert prompt.get(at(prompt, path), headers=headers).status_code in (403, 421)


def test_pipelined_requests_are_answered_in_their_order(clients: tuple[Client, Client]) -> None:
    prompt, _ = clients
    paths = ["/health", "/api/v1/items/x1", "/api/v1/trending", "/health", "/api/v1/items/nothing", "/health"] * 3
    asked = b"".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in paths)
    expected = [prompt.get(at(prompt, path)) for path in paths]
    with closing(socket.create_connection((prompt.base_url.host, prompt.base_url.port or 80), timeout=120)) as client:
        client.sendall(asked)
        with client.makefile("rb") as lines:
            for answer in expected:
                status = int(lines.readline().split()[1])
                head = dict(line.lower().strip().split(b": ", 1) for line in iter(lines.readline, b"\r\n"))
                assert (status, lines.read(int(head[b"content-length"]))) == (answer.status_code, answer.content)
