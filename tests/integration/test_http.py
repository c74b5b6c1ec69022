"""What the HTTP API takes and refuses, over real stores and without a log."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from httpx import Client

from adapters.settings import Settings
from serving_layer.routes import ingest
from tests.kit.serving import RULES, SLASHED, START, fill, problem, serving

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("shop")
    world = fill(home)
    yield Settings.of(
        home=home, kafka="127.0.0.1:1", allowed_hosts="shop.example", allowed_origins="https://shop.example"
    )
    world.batch.close()
    world.speed.close()


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[Client]:
    with serving(settings) as client:
        yield client


def root(client: Client, path: str) -> str:
    return str(client.base_url).replace("/api/v1/", path)


class TestParameters:
    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("/recommendations/u3?categroy=c0", "did you mean 'category'?"),
            ("/recommendations/u3?N=5", "did you mean 'n'?|known are"),
            ("/items/y1/similar?excluded=y2", "known are by, n, offset, category"),
            ("/trending?windows=1h", "did you mean 'window'?"),
            ("/items/y1?n=3", "known are at_least, wait"),
            ("/users/u3/history?limit=3", "known are n, offset, category"),
            ("/trending?n=1&n=2", "given 2 times"),
            ("/trending?n", "n: "),
            ("/trending?category=", "a category has 1 to 256 characters"),
            ("/trending?category=c0&category=", "a category has 1 to 256 characters"),
            ("/recommendations/u3?exclude=", "an id has 1 to 256 characters"),
            ("/recommendations/u3?exclude=%ff", "UTF-8"),
            ("/recommendations/u3?exclude=%ed%a0%80", "UTF-8"),
            ("/recommendations/u3?include_seen=perhaps", "include_seen"),
            ("/trending?window=999999999999999999999h", "window"),
            ("/trending?as_of=99999999999999999999999999", "as_of"),
            ("/trending?as_of=" + "9" * 5000, "as_of"),
            ("/trending?n=" + "9" * 5000, "n: "),
            ("/trending?min_price=5&max_price=1", "max_price: must be at least min_price"),
            ("/trending?at_least=2", "at_least is PARTITION:OFFSET"),
            ("/trending?at_least=", "at_least is PARTITION:OFFSET"),
            ("/trending?at_least=0:-1", "at_least is PARTITION:OFFSET"),
            ("/trending?at_least=0:1,,1:2", "at_least is PARTITION:OFFSET"),
            ("/trending?at_least=0:" + "9" * 19, "at_least is PARTITION:OFFSET"),
            ("/trending?at_least=0:1&wait=11s", "wait is 0 to 10 seconds"),
            ("/trending?wait=-1", "wait is 0 to 10 seconds"),
            ("/trending?at_least=77:1", "no partition 77: it has 0 to 3"),
            ("/items/%ed%a0%80", "an id has 1 to 256 characters"),
            ("/items/" + "x" * 257, "an id has 1 to 256 characters"),
        ],
    )
    def test_a_parameter_that_is_not_understood_is_422_and_says_what_is_meant(
        self, client: Client, path: str, said: str
    ) -> None:
        assert re.search(said, problem(client.get(path), 422)["detail"])

    def test_several_categories_mean_any_of_them(self, client: Client) -> None:
        def listed(*categories: str) -> set[str]:
            answer = client.get("/recommendations/u3", params={"n": 1000, "category": categories, "include_seen": True})
            return {row["item_id"] for row in answer.json()["items"]}

        assert listed("c0")
        assert listed("c0", "c1") == listed("c0") | listed("c1")
        assert listed("c0", "none") == listed("c0")
        body = {"n": 1000, "category": ["c0", "c1"], "include_seen": True}
        posted = client.post("/recommendations/u3", json=body).json()["items"]
        assert {row["item_id"] for row in posted} == listed("c0", "c1")
        for path in ("/trending", "/items/y1/similar", "/users/u3/history"):
            whole, other = (
                client.get(path, params={"n": 100, "category": names}).json() for names in (["c0", "c1"], "x")
            )
            assert whole["items"] == client.get(path, params={"n": 100}).json()["items"]
            assert other["items"] == []

    @pytest.mark.parametrize("offset", [2**31, 2**63 - 1, 2**63, 10**40])
    def test_a_page_beyond_every_list_is_empty(self, client: Client, offset: int) -> None:
        for path in ("/recommendations/u3", "/trending", "/items/y1/similar", "/users/u3/history"):
            assert client.get(path, params={"offset": offset}).json()["items"] == []
        assert client.post("/recommendations/u3", json={"offset": offset}).json()["items"] == []


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"excluded": []}, "unknown field 'excluded': did you mean 'exclude'?"),
            ({"limit": 5}, "known are n, offset"),
            ({"n": "5"}, "n: "),
            ({"n": True}, "n: "),
            ({"n": 0}, "n: "),
            ({"include_seen": "yes"}, "include_seen: "),
            ({"exclude": "y1"}, "exclude: "),
            ({"exclude": [1]}, "exclude.0: "),
            ({"exclude": [""]}, "exclude.0: "),
            ({"exclude": ["x"] * 10_001}, "exclude: "),
            ({"category": ""}, "a category has 1 to 256"),
            ({"category": []}, "category"),
            ({"context": 5}, "context: "),
            ([], "the body: "),
            (5, "the body: "),
        ],
    )
    def test_a_field_that_is_not_understood_is_422_and_says_what_is_meant(
        self, client: Client, body: Any, said: str
    ) -> None:
        assert said in problem(client.post("/recommendations/u3", json=body), 422)["detail"]

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"NaN", b'{"n": 1e999}', b'{"exclude": ["\\ud800"]}', b"\xff", b"[" * 100_000, b"\xef\xbb\xbf{}"],
    )
    def test_what_is_not_json_is_422(self, client: Client, body: bytes) -> None:
        for path in ("/recommendations/u3", "/interactions", "/items", "/users"):
            problem(client.post(path, content=body, headers=JSON), 422)

    @pytest.mark.parametrize(
        "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "a"]
    )
    def test_a_body_that_does_not_say_that_it_is_json_is_415_and_says_how(
        self, client: Client, kind: str | None
    ) -> None:
        for path in ("/interactions", "/items", "/users", "/recommendations/u3"):
            answer = client.post(path, content=b"{}", headers={"Content-Type": kind} if kind else {})
            assert "Content-Type: application/json" in problem(answer, 415)["detail"]

    def test_a_compressed_body_is_415_and_says_how(self, client: Client) -> None:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        response = client.post("/recommendations/u3", content=b"{}", headers=headers)
        assert "Content-Encoding" in problem(response, 415)["detail"]

    def test_a_body_of_two_lengths_is_400(self, client: Client) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": "2", "Transfer-Encoding": "chunked"}
        response = client.post("/recommendations/u3", content=iter([b"{}"]), headers=headers)
        assert "Content-Length" in problem(response, 400)["detail"]

    def test_json_may_name_its_charset(self, client: Client) -> None:
        headers = {"Content-Type": "Application/JSON; charset=utf-8"}
        assert client.post("/recommendations/u3", content=b"{}", headers=headers).status_code == 200


class TestForeignPages:
    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "a.shop.example", ""],
    )
    def test_a_host_that_is_not_this_one_is_421_and_names_the_setting(self, client: Client, host: str) -> None:
        assert "allowed_hosts" in problem(client.get("/trending", headers={"Host": host}), 421)["detail"]
        problem(client.post("/items", json={"item_id": "x"}, headers={"Host": host}), 421)

    @pytest.mark.parametrize(
        "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8080", "10.1.2.3:8080", "shop.example", "me.localhost"]
    )
    def test_numbers_loopback_names_and_listed_names_are_answered(self, client: Client, host: str) -> None:
        assert client.get("/trending", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "", "x"]
    )
    def test_a_page_of_another_origin_neither_reads_nor_writes(self, client: Client, origin: str) -> None:
        headers = {"Origin": origin}
        assert "allowed_origins" in problem(client.get("/trending", headers=headers), 403)["detail"]
        problem(client.post("/items", json={"item_id": "x"}, headers=headers), 403)
        preflight = {**headers, "Access-Control-Request-Method": "POST"}
        assert "access-control-allow-origin" not in client.options("/items", headers=preflight).headers

    def test_a_page_of_this_server_and_one_of_a_listed_origin_are_answered(self, client: Client) -> None:
        own = str(client.base_url).removesuffix("/api/v1/")
        assert client.get("/trending", headers={"Origin": own}).status_code == 200
        listed = {"Origin": "https://shop.example"}
        answer = client.get("/trending", headers=listed)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, listed["Origin"])
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        preflight = client.options("/interactions", headers={**listed, **asked})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == listed["Origin"]
        assert "POST" in preflight.headers["access-control-allow-methods"]

    def test_a_server_for_every_address_answers_for_numbers_but_not_for_any_name(self, settings: Settings) -> None:
        everywhere = Settings.of(home=settings.home, kafka="127.0.0.1:1", host="0.0.0.0", http_keys="off")
        with serving(everywhere) as client:
            assert client.get("/trending").status_code == 200
            problem(client.get("/trending", headers={"Host": "evil.example"}), 421)


class TestMethods:
    @pytest.mark.parametrize(
        ("path", "methods"),
        [
            ("/recommendations/u3", "GET, HEAD, OPTIONS, POST"),
            ("/trending", "GET, HEAD, OPTIONS"),
            ("/interactions", "OPTIONS, POST"),
            ("/health", "GET, HEAD, OPTIONS"),
        ],
    )
    def test_a_method_that_does_not_work_is_405_and_names_those_that_do(
        self, client: Client, path: str, methods: str
    ) -> None:
        url = root(client, path) if path == "/health" else path
        for method in ("DELETE", "PUT", "TRACE", "BREW"):
            refused = client.request(method, url)
            problem(refused, 405)
            assert refused.headers["allow"] == methods
        asked = client.options(url)
        assert (asked.status_code, asked.headers["allow"], asked.content) == (204, methods, b"")

    def test_head_is_get_without_its_body(self, client: Client) -> None:
        for path in ("/trending", f"/items/{SLASHED.replace('/', '%2F').replace('%c', '%25c')}", "/items/nothing"):
            got, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (got.status_code, b"")
            assert head.headers["content-length"] == got.headers["content-length"]
        assert client.head("/interactions").status_code == 405
        assert client.head("/no-such-thing").status_code == 404


class TestDescription:
    def test_every_body_and_every_refusal_is_described(self, client: Client) -> None:
        document = client.get(root(client, "/openapi.json")).json()
        assert set(document["paths"]["/api/v1/recommendations/{user_id}"]) == {"get", "post"}
        for operations in document["paths"].values():
            for method, operation in operations.items():
                assert ("requestBody" in operation) == (method in ("post", "patch"))
                refusals = {code for code in operation["responses"] if not code.startswith("2")}
                assert {"403", "421", "422", "503"} <= refusals
                assert method != "post" or {"408", "413", "415"} <= refusals
                assert all("application/problem+json" in operation["responses"][code]["content"] for code in refusals)
        text = json.dumps(document)
        for reference in re.findall(r'"\$ref": "#/([^"]+)"', text):
            node: Any = document
            for part in reference.split("/"):
                node = node[int(part)] if isinstance(node, list) else node[part]
        assert '"maxLength": 256' in text

    def test_an_id_and_a_time_may_be_left_to_the_server_by_null_too(self, client: Client) -> None:
        document = client.get(root(client, "/openapi.json")).json()
        rules = {"$ref": "#/components/schemas/Event", "components": document["components"]}
        event = {"event_id": None, "event_time": None, "kind": "view", "user_id": "u", "item_id": "i"}
        jsonschema.Draft202012Validator(rules).validate(event)
        posted = ingest.read_interactions(json.dumps(event).encode(), RULES, START, lambda: "new")
        assert posted.ids == ["new"]

    def test_the_page_of_the_description_needs_no_other_server(self, client: Client) -> None:
        page = client.get(root(client, "/docs"))
        assert page.headers["content-type"].startswith("text/html")
        assert "POST /api/v1/interactions" in page.text
        assert not re.findall(r"<script|<link|(?:src|href)=.?https?:|@import|url\(", page.text)


def test_a_home_without_a_log_takes_no_posts_but_says_why(client: Client) -> None:
    answer = client.post("/interactions", json={"kind": "view", "user_id": "u", "item_id": "i"})
    assert "log" in problem(answer, 503)["detail"]
