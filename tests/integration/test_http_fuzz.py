"""Whatever is asked, the API answers by its description: no 5xx but 503 with a reason, errors as problem documents."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Client, Response
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from adapters.settings import Settings
from tests.kit.serving import SLASHED, fill, serving

JSON = "application/json"
ODD_NUMBERS = [0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, 10**19, 10**400, 1.5, -0.0, 1e308]
ODD_TEXTS = [
    "",
    "u3",
    "y1",
    SLASHED,
    "c0",
    "\x00",
    "\u0085",
    "\ud800",
    "💥" * 256,
    "x" * 257,
    "..",
    "%",
    "null",
    "1h",
    "7d",
    "-1",
]

numbers = st.sampled_from(ODD_NUMBERS) | st.integers()
texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=20)
parts = texts.map(lambda text: quote(text.encode("utf-8", "surrogatepass"), "")) | st.sampled_from(
    ["%", "%zz", "%ff", "+"]
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
bodies = values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30) | st.just(b"[" * 2_000)
bounded = examples(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    home = tmp_path_factory.mktemp("shop")
    world = fill(home)
    with serving(Settings.of(home=home, kafka="127.0.0.1:1")) as client:
        yield client
    world.batch.close()
    world.speed.close()


@pytest.fixture(scope="module")
def operations(client: Client) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation, and the properties that its body may have."""
    document = client.get(root(client) + "/openapi.json").json()
    schemas = document["components"]["schemas"]
    operations = []
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            known = [name for schema in schemas.values() for name in schema.get("properties", {})]
            operations.append((method.upper(), path, {**operation, "known": sorted(set(known))}))
    return operations


def root(client: Client) -> str:
    """Where the server answers, without a path."""
    return str(client.base_url).removesuffix("/api/v1/")


def check(response: Response, operation: dict[str, Any]) -> None:
    """The answer is one that the description lists (or every server gives); errors say what is wrong."""
    assert response.status_code < 500 or response.status_code == 503, response.text
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert (body["status"], bool(body["title"]), bool(body["detail"])) == (response.status_code, True, True)
    # An odd part of a path may lead elsewhere or nowhere, and the connection's own refusals are no route's.
    assert str(response.status_code) in {*operation["responses"], "400", "404", "405"}, response.text


def filled(data: st.DataObject, path: str) -> str:
    """The path with something for each of its parameters."""
    first, *rest = path.split("{")
    return first + "".join(data.draw(parts) + piece.partition("}")[2] for piece in rest)


@bounded
@given(st.data())
def test_any_parameters_are_answered_or_refused_with_a_reason(
    client: Client, operations: list[tuple[str, str, dict[str, Any]]], data: st.DataObject
) -> None:
    method, path, operation = data.draw(
        st.sampled_from([operation for operation in operations if operation[0] == "GET"])
    )
    names = [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
    name = st.sampled_from(names) if names else texts
    pairs = data.draw(st.lists(st.tuples(name | texts, parts | numbers.map(str)), max_size=4))
    query = "&".join(f"{quote(key.encode('utf-8', 'surrogatepass'))}={value}" for key, value in pairs)
    check(
        client.request(method, root(client) + filled(data, path) + f"?{query}"),
        operation,
    )


@bounded
@given(st.data())
def test_any_body_is_answered_or_refused_with_a_reason(
    client: Client, operations: list[tuple[str, str, dict[str, Any]]], data: st.DataObject
) -> None:
    method, path, operation = data.draw(
        st.sampled_from([operation for operation in operations if "requestBody" in operation[2]])
    )
    object_ = st.dictionaries(st.sampled_from(operation["known"]), values, max_size=6)
    body = data.draw(bodies | object_.map(lambda value: json.dumps(value).encode()))
    headers = {"Content-Type": data.draw(st.sampled_from([JSON, JSON, JSON, "text/plain", "x/+json", "\xff", ""]))}
    sent: Any = iter([body[:5], body[5:]]) if data.draw(st.booleans()) else body
    where = root(client) + filled(data, path)
    encoded = {key: value.encode("latin-1") for key, value in headers.items()}
    check(client.request(method, where, content=sent, headers=encoded), operation)


@bounded
@given(st.data())
def test_any_headers_are_answered_or_refused_with_a_reason(client: Client, data: st.DataObject) -> None:
    odd = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=30)
    names = st.sampled_from(["Host", "Origin", "Content-Type", "Accept", "Range", "Expect", "Upgrade", "Cookie", "X"])
    headers = data.draw(st.dictionaries(names, odd | st.sampled_from(["[", "::1", "localhost:x", "null", "websocket"])))
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    response = client.request(
        data.draw(st.sampled_from(["GET", "HEAD", "OPTIONS", "POST"])), "/trending", headers=encoded
    )
    assert response.status_code < 500, response.text
