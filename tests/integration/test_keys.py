"""The API with keys: who may do what, how often, and what every answer carries; over real stores, without a log."""

import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute
from httpx import Client

from adapters.records.keys import create_key, revoke_key
from adapters.settings import Settings
from adapters.stores import ViewStore
from schemas.errors import SettingsError
from serving_layer.access.roles import role_needed
from serving_layer.access.start import require_keys, speaks_tls
from serving_layer.http.app import ROUTERS
from tests.kit.certificates import certificate
from tests.kit.commands import CommandsHere
from tests.kit.serving import fill, problem, serving
from tests.kit.waiting import until

PLAIN, ROUTED = "/trending", "/trending?n=3&n=3"  # the second takes the routes, and is 422 there
OPEN_ROUTES = {"/health", "/ready", "/openapi.json", "/docs", "/", "/page/{version}/{name:path}"}
ADMIN_POSTS = {"/api/v1/generations/active", "/api/v1/verify"}
READING_POSTS = {
    "/api/v1/recommendations/{user_id}",
    "/api/v1/recommendations",
    "/api/v1/similar",
    "/api/v1/similar-image",
    "/api/v1/batch/recommendations",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, ViewStore]]:
    home = tmp_path_factory.mktemp("shop")
    world = fill(home)
    yield Settings.of(home=home, kafka="127.0.0.1:1", allowed_origins="https://shop.example"), world.batch
    world.batch.close()
    world.speed.close()


@pytest.fixture(scope="module")
def new_key(shop: tuple[Settings, ViewStore]) -> Callable[..., str]:
    """Makes a key and returns its text."""
    names = iter(range(1_000))

    def new(role: str = "read", rate: str = "") -> str:
        return create_key(shop[1], f"key {next(names)}", role, rate, 1)[1]

    return new


@pytest.fixture(scope="module")
def client(shop: tuple[Settings, ViewStore], new_key: Callable[..., str]) -> Iterator[Client]:
    new_key()
    with serving(shop[0]) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def known(client: Client, token: str) -> str:
    """The key, once the running server has read it."""
    until(lambda: client.get(PLAIN, headers=bearer(token)).status_code != 401)
    return token


@pytest.mark.parametrize("path", [PLAIN, ROUTED, "/items/y1", "/openapi", "/recommendations/u3?exclude=y1"])
def test_without_a_key_or_with_a_wrong_one_nothing_is_answered(
    client: Client, new_key: Callable[..., str], path: str
) -> None:
    right = known(client, new_key())
    wrong = right[:-1] + ("A" if right[-1] != "A" else "B")
    for headers in ({}, bearer(wrong), bearer("x"), {"X-API-Key": wrong}, {"Authorization": f"Basic {right}"}):
        answer = client.get(path, headers=headers)
        problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for headers in (bearer(right), {"X-API-Key": right}, {"authorization": f"bearer {right}"}):
        assert client.get(path, headers=headers).status_code != 401


def test_probes_and_the_description_need_no_key(client: Client) -> None:
    root = str(client.base_url).removesuffix("/api/v1/")
    for path in ("/health", "/ready", "/api/v1/health", "/api/v1/ready", "/docs", "/openapi.json"):
        assert client.get(root + path).status_code == 200


def test_a_key_does_what_its_role_says_and_no_more(client: Client, new_key: Callable[..., str]) -> None:
    reads, writes = (bearer(known(client, new_key(role))) for role in ("read", "write"))
    event = {"kind": "view", "user_id": "u", "item_id": "i"}
    assert "needs write" in problem(client.post("/interactions", json=event, headers=reads), 403)["detail"]
    assert client.post("/interactions", json=event, headers=writes).status_code == 503  # there is no log here
    assert client.post("/recommendations/u3", json={}, headers=reads).status_code == 200
    assert "needs admin" in problem(client.delete("/users/u", headers=writes), 403)["detail"]


def test_every_route_asks_for_the_role_that_fits_it() -> None:
    expected = {"GET": "read", "HEAD": "read", "POST": "write", "PATCH": "write", "DELETE": "admin"}
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods:
                name = route.path.removeprefix("/api/v1") if route.path.endswith(("health", "ready")) else route.path
                role = "read" if method == "POST" and name in READING_POSTS else expected[method]
                role = "admin" if method == "POST" and name in ADMIN_POSTS else role
                role = "write" if method == "DELETE" and "/lists/" in name else role
                assert role_needed(method, route.path) == (None if name in OPEN_ROUTES else role), route.path


def test_a_revoked_key_opens_nothing_within_seconds(
    client: Client, shop: tuple[Settings, ViewStore], new_key: Callable[..., str]
) -> None:
    token = known(client, new_key())
    revoke_key(shop[1], token[4:12], 2)
    until(lambda: client.get(PLAIN, headers=bearer(token)).status_code == 401)


@pytest.mark.parametrize("path", ["/trending", "/items/y1", "/trending?as_of=1760000000000"])
def test_a_key_beyond_its_rate_gets_429_and_when_to_come_again(
    client: Client, new_key: Callable[..., str], path: str
) -> None:
    headers = bearer(known(client, new_key(rate="5/d")))
    left = [int(client.get(path, headers=headers).headers["ratelimit-remaining"]) for _ in range(4)]
    assert left == [3, 2, 1, 0]  # one was needed to see that the key is known
    answer = client.get(path, headers=headers)
    problem(answer, 429)
    assert 0 < int(answer.headers["retry-after"]) <= 2 * 86_400
    assert (answer.headers["ratelimit-limit"], answer.headers["ratelimit-policy"]) == ("5", "5;w=86400")
    assert client.get(path, headers=bearer(new_key())).status_code in (200, 401)  # others have a rate of their own


def test_an_answer_names_its_request_its_generation_and_its_prefix(client: Client, new_key: Callable[..., str]) -> None:
    headers = bearer(known(client, new_key()))
    for path in ("/trending", "/trending?as_of=1760000000000", "/items/y1"):
        answer = client.get(path, headers={**headers, "X-Request-Id": "order-7"})
        body = answer.json()
        assert answer.headers["x-request-id"] == "order-7"
        assert answer.headers["millrace-generation"] == body["generation"]
        again = client.get(path, params={"at_least": answer.headers["millrace-prefix"]}, headers=headers)
        assert again.status_code == 200
        assert again.headers["cache-control"] == "no-store"
    ids = {client.get("/health").headers["x-request-id"] for _ in range(10)}
    assert len(ids) == 10
    odd = client.get("/health", headers={"X-Request-Id": "a b"})
    assert re.fullmatch("[0-9a-f-]+", odd.headers["x-request-id"])
    assert client.get("/nothing").headers["x-request-id"]


def test_every_answer_has_the_headers_that_protect_a_browser(client: Client) -> None:
    root = str(client.base_url).removesuffix("/api/v1/")
    for path in ("/health", "/docs", "/api/v1/trending", "/nothing"):
        headers = client.get(root + path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_page_of_a_listed_origin_may_send_its_key(client: Client, new_key: Callable[..., str]) -> None:
    origin = {"Origin": "https://shop.example"}
    asked = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}
    assert client.options(PLAIN, headers=asked).status_code == 200
    problem(client.get(PLAIN, headers=origin), 401)
    answer = client.get(PLAIN, headers={**origin, "X-API-Key": known(client, new_key())})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]


def test_a_network_is_answered_with_keys_alone_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = Settings.of(home=home, kafka="127.0.0.1:1")
    commands = CommandsHere(tmp_path, {"MILLRACE_HOME": str(home), "MILLRACE_KAFKA": "127.0.0.1:1"})
    for words in (("serve", "--host", "0.0.0.0", "--port", "0"), ("up", "--host", "192.0.2.1", "--port", "1")):
        said = commands.refused(*words)
        assert "millrace keys create" in said
        assert "--insecure" in said
    for host in ("127.0.0.1", "localhost", "::1", "127.8.8.8"):
        require_keys(settings, host)
    require_keys(settings.changed(http_keys="off"), "0.0.0.0")
    made = commands.json("keys", "create", "shop", "--role", "admin")
    assert made["key"].startswith(f"mlr_{made['id']}_")
    assert made["key"] not in commands.run("keys", "list", "--all", "--json").stdout
    require_keys(settings, "0.0.0.0")
    with serving(settings.changed(host="0.0.0.0")) as client:
        problem(client.get("/trending"), 401)
    commands.run("keys", "revoke", "shop")
    with pytest.raises(SettingsError, match="no key yet"):
        require_keys(settings, "0.0.0.0")
    with serving(settings) as client:  # there has been a key: it does not open again by itself
        problem(client.get("/trending"), 401)
    with serving(settings.changed(http_keys="off")) as client:
        assert client.get("/trending").status_code == 503  # nothing is published


def test_keys_that_cannot_be_read_open_nothing_where_one_may_be_needed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    away = Settings.of(home=home, kafka="127.0.0.1:1", batch_views="redis://127.0.0.1:1/0", store_timeout="100ms")
    with serving(away.changed(host="0.0.0.0")) as client:
        assert "keys cannot be read" in problem(client.get("/trending", headers=bearer("x")), 503)["detail"]
    with serving(away) as client:
        assert "keys cannot be read" not in problem(client.get("/trending"), 503)["detail"]
    (home / "keys-seen").touch()
    with serving(away) as client:
        problem(client.get("/trending"), 401)


def test_with_a_certificate_the_api_speaks_https_alone(tmp_path: Path) -> None:
    made, key = certificate(tmp_path)
    home = tmp_path / "shop"
    world = fill(home)
    settings = Settings.of(home=home, kafka="127.0.0.1:1", tls_certificate=str(made), tls_key=str(key))
    with serving(settings) as plain:
        url = str(plain.base_url).replace("http:", "https:")
        trusted = ssl.create_default_context(cafile=str(made))
        with Client(base_url=url, verify=trusted, timeout=120) as client:
            answer = client.get("/trending")
            assert answer.status_code == 200
            assert answer.headers["strict-transport-security"]
            assert client.post("/recommendations/u3", json={"n": 3}).status_code == 200
        with pytest.raises(httpx.HTTPError):
            plain.get("/trending")
        with pytest.raises(httpx.ConnectError):
            httpx.get(url + "trending", timeout=120)  # nobody vouches for it
    world.batch.close()
    world.speed.close()


def test_a_certificate_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    made, _ = certificate(tmp_path)
    for values in ({"tls_certificate": str(made)}, {"tls_certificate": str(made), "tls_key": str(made)},
                   {"tls_certificate": "nowhere", "tls_key": "nowhere"}):  # fmt: skip
        with pytest.raises(SettingsError, match="tls_key"):
            speaks_tls(Settings.of(**values))
