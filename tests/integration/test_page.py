"""The page's files and its stream over HTTP: cached by their contents, compressed, safe, and only for valid keys."""

import gzip
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx import Client

from adapters.records.keys import create_key, revoke_key
from adapters.settings import Settings
from serving_layer.live import hub
from tests.kit.serving import SLASHED, fill, problem, serving
from tests.kit.small_lambda import SmallLambda


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop") / "home"


@pytest.fixture(scope="module")
def world(home: Path) -> Iterator[SmallLambda]:
    world = fill(home, speed_until=150)
    yield world
    world.batch.close()
    world.speed.close()


@pytest.fixture(scope="module")
def client(world: SmallLambda, home: Path) -> Iterator[Client]:
    with serving(Settings.of(home=home, kafka="127.0.0.1:1")) as client:
        yield client


def root(client: Client, path: str) -> str:
    return str(client.base_url).removesuffix("/api/v1/") + path


def frames(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """The frames of an open stream."""
    for line in response.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_the_start_page_is_asked_for_again_and_its_files_never(client: Client) -> None:
    start = client.get(root(client, "/"))
    assert start.headers["content-type"] == "text/html; charset=utf-8"
    assert start.headers["cache-control"] == "no-cache"
    again = client.get(root(client, "/"), headers={"If-None-Match": start.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    paths = re.findall(r'(?:src|href)="(/page[^"]+)"', start.text)
    assert paths
    for path in paths:
        file = client.get(root(client, path))
        assert file.status_code == 200, path
        assert "immutable" in file.headers["cache-control"]


def test_files_are_sent_compressed_to_clients_that_take_it(client: Client) -> None:
    path = re.findall(r'src="(/page[^"]+app\.js)"', client.get(root(client, "/")).text)[0]
    plain = client.get(root(client, path), headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with client.stream("GET", root(client, path), headers={"Accept-Encoding": "br, gzip"}) as zipped:
        assert zipped.headers["content-encoding"] == "gzip"
        assert zipped.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(b"".join(zipped.iter_raw())) == plain.content


def test_the_policy_allows_no_inline_code_and_no_other_server(client: Client) -> None:
    policy = client.get(root(client, "/")).headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self'" in policy


@pytest.mark.parametrize(
    "path",
    [
        "/page/0/app.js",
        "/page/{v}/no.js",
        "/page/{v}/../files.py",
        "/page/{v}/..%2ffiles.py",
        "/page/{v}/vendored.json",
    ],
)
def test_what_is_no_file_of_this_version_is_404(client: Client, path: str) -> None:
    version = re.findall(r"/page/(\w+)/app\.js", client.get(root(client, "/")).text)[0]
    problem(client.get(root(client, path.replace("{v}", version))), 404)


def test_a_page_that_listens_gets_each_commit(client: Client, world: SmallLambda) -> None:
    with client.stream("GET", "/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        shown = frames(stream)
        first = next(shown)
        assert first["status"]["events"] == 150
        assert first["trending"]["items"]
        world.run_speed(200)
        after = next(frame for frame in shown if frame["trending"]["fresh_to"] != first["trending"]["fresh_to"])
        assert after["trending"]["fresh_to"]["offsets"] == {str(p): o for p, o in world.ends(200).items()}
        assert next(frame for frame in shown if frame["status"]["events"] == 200)["at"] >= first["at"]


def test_a_bounded_number_of_pages_listen_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr(hub, "MOST_LISTENERS", 0)
        refused = client.get("/live")
        assert refused.headers["retry-after"] == "5"
        assert "too many pages" in problem(refused, 503)["detail"]
    with client.stream("GET", "/live") as stream:
        assert next(frames(stream))["status"]


def test_head_of_the_stream_ends_at_once(client: Client) -> None:
    assert client.head("/live").status_code == 200


def test_a_revoked_key_ends_the_stream_and_the_page_itself_needs_none(tmp_path: Path) -> None:
    world = fill(tmp_path / "home")
    token = create_key(world.batch, "shown", "read", "", 1)[1]
    key = {"Authorization": f"Bearer {token}"}
    with serving(Settings.of(home=tmp_path / "home", kafka="127.0.0.1:1")) as client:
        assert client.get(root(client, "/")).status_code == 200
        problem(client.get("/live"), 401)
        with client.stream("GET", "/live", headers=key) as stream:
            shown = frames(stream)
            next(shown)
            revoke_key(world.batch, token[4:12], 2)
            assert sum(1 for _ in shown) >= 0  # it ends
    world.batch.close()
    world.speed.close()


def test_a_server_that_stops_does_not_wait_for_open_pages(tmp_path: Path) -> None:
    world, ended = fill(tmp_path / "home"), threading.Event()
    settings = Settings.of(home=tmp_path / "home", kafka="127.0.0.1:1")
    with httpx.Client(timeout=120) as page:
        with serving(settings) as client:
            address = root(client, "/api/v1/live")
            opened = threading.Event()

            def listen() -> None:
                with page.stream("GET", address) as stream:
                    for _ in frames(stream):
                        opened.set()
                ended.set()

            threading.Thread(target=listen).start()
            assert opened.wait(120)
        assert ended.wait(120)  # the stream ended whole: a connection that was cut would have raised
    world.batch.close()
    world.speed.close()


def test_several_items_have_their_records_and_the_hours_of_both_layers(client: Client) -> None:
    answer = client.get("/items", params={"item": ["y1", SLASHED, "nobody"], "hours": 5}).json()
    assert [row["item_id"] for row in answer["items"]] == ["y1", SLASHED, "nobody"]
    assert [row["known"] for row in answer["items"]] == [True, True, False]
    day = client.get("/analytics/dashboard", params={"n": 100}).json()
    hours = {row["hour"]: row["events"] for row in day["hours"]}
    names = [f"{taste}{k}" for taste in "xy" for k in range(6)]
    everything = client.get("/items", params={"item": [*names, SLASHED], "hours": 24}).json()
    for at, hour in enumerate(everything["hours"]):
        assert sum(row["batch"][at] + row["speed"][at] for row in everything["items"]) == hours.get(hour, 0)
    assert any(sum(row["speed"]) for row in everything["items"])
    assert any(sum(row["batch"]) for row in everything["items"])


def test_the_parts_of_each_sum_add_up_to_the_merged_one(tmp_path: Path) -> None:
    world = fill(tmp_path / "home", speed_until=150, batch_until=60)
    with serving(Settings.of(home=tmp_path / "home", kafka="127.0.0.1:1")) as client:
        require_parts(client)
    world.batch.close()
    world.speed.close()


def require_parts(client: Client) -> None:
    merge, similar = client.get("/items/y1/merge").json(), client.get("/items/y1/similar").json()
    assert merge["norm_batch"] + merge["norm_speed"] == similar["norm"] == merge["norm"]
    assert [row["item_id"] for row in merge["items"]] == [row["item_id"] for row in similar["items"]]
    assert all(row["batch"] + row["speed"] == row["co_rating"] for row in merge["items"])
    others = [client.get(f"/items/{taste}{k}/merge").json()["items"] for taste in "xy" for k in range(1, 6)]
    assert all(any(row[part] for rows in others for row in rows) for part in ("batch", "speed"))


def test_the_status_is_that_of_the_command_and_lately_active_users_come_first(client: Client) -> None:
    assert client.get("/status").json()["events"] in (150, 200)
    users = [row["user_id"] for row in client.get("/users", params={"n": 100}).json()["users"]]
    assert sorted(users) == sorted(f"u{k}" for k in range(20))


def test_generations_are_listed_and_a_kept_one_can_be_made_to_serve(tmp_path: Path) -> None:
    world = fill(tmp_path / "home")
    world.run_batch(180)
    with serving(Settings.of(home=tmp_path / "home", kafka="127.0.0.1:1")) as client:
        listed = client.get("/generations").json()
        ids = [row["id"] for row in listed["generations"]]
        assert listed["active"] == ids[-1]
        problem(client.post("/generations/active", json={"generation": "no such"}), 400)
        before = ids[-2]
        rolled = client.post("/generations/active", json={"generation": before})
        assert rolled.status_code in (200, 400), rolled.text
        if rolled.status_code == 200:
            assert rolled.json()["active"] == before
            assert client.post("/generations/active", json={"release": True}).json()["held"] is False
    world.batch.close()
    world.speed.close()


def test_parts_that_do_not_answer_are_named_with_the_remedy(client: Client) -> None:
    parts = {row["part"]: row for row in client.get("/parts").json()["parts"]}
    assert parts["log"]["state"] == "down"
    assert parts["log"]["remedy"]
    assert parts["batch views"]["state"] in ("up", "slow")
    assert parts["speed layer"]["state"] == "off"


def test_a_home_in_which_nothing_was_proved_says_so(client: Client) -> None:
    assert client.get("/verify").json()["outcome"] == "never"
    problem(client.post("/verify", json={"sample": 0}), 422)
