"""The HTTP API over real stores and a real broker."""

import json
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from httpx import Client

from adapters.log.forgotten import marks
from adapters.log.kafka_log import Log
from adapters.records.books import CATALOGUE
from adapters.records.control import Applied
from adapters.settings import Settings
from adapters.stores import ViewStore, open_store
from tests.kit.serving import SLASHED, START, client, problem, serving, settings
from tests.kit.waiting import until

__all__ = ["client", "settings"]  # fixtures

pytestmark = pytest.mark.kafka


def test_recommendations_leave_out_what_was_seen_and_say_why(client: Client) -> None:
    answer = client.get("/recommendations/u3", params={"n": 20}).json()
    seen = {row["item_id"] for row in client.get("/users/u3/history", params={"n": 100}).json()["items"]}
    assert seen
    assert not seen & {row["item_id"] for row in answer["items"]}
    assert {row["source"] for row in answer["items"]} <= {"als", "similar", "popular", "trending"}
    assert answer["items"][0]["item_id"].startswith("y")
    assert set(answer["items"][0]["because"]) <= seen
    assert answer["items"][0]["because"]
    assert all(0 <= row["confidence"] <= 1 for row in answer["items"])
    assert answer["personal"] is True
    assert answer["degraded"] == []
    assert answer["generation"]
    assert sum(answer["fresh_to"]["offsets"].values()) == 200


def test_a_page_and_a_category_and_exclusions_are_parts_of_the_whole_list(client: Client) -> None:
    whole = [row["item_id"] for row in client.get("/recommendations/u3", params={"n": 1000}).json()["items"]]
    page = client.get("/recommendations/u3", params={"n": 2, "offset": 1}).json()["items"]
    assert [row["item_id"] for row in page] == whole[1:3]
    other = client.post("/recommendations/u3", json={"exclude": [whole[0]], "n": 1000, "context": {}}).json()["items"]
    assert {row["item_id"] for row in other} == set(whole[1:])
    named = client.get("/recommendations/u3", params={"category": "c0", "n": 1000}).json()["items"]
    assert {row["category"] for row in named} == {"c0"}


def test_an_unknown_user_gets_what_is_popular_by_stated_preferences(client: Client) -> None:
    answer = client.get("/recommendations/nobody", params={"n": 1000}).json()
    assert answer["personal"] is False
    assert {row["source"] for row in answer["items"]} == {"popular"}
    assert client.post("/users", json={"user_id": "nobody", "preferences": ["c1"]}).status_code == 202
    until(lambda: client.get("/users/nobody/profile").json()["preferences"] == ["c1"])
    categories = [row["category"] for row in client.get("/recommendations/nobody", params={"n": 12}).json()["items"]]
    assert categories == sorted(categories, reverse=True)
    assert set(categories) == {"c0", "c1"}


def test_a_user_who_states_preferences_is_answered_at_once_by_these(client: Client) -> None:
    answer = client.post("/users", json={"user_id": "cold", "preferences": ["c1"]}).json()
    rows = answer["recommendations"]["items"]
    assert rows[0]["category"] == "c1"
    until(lambda: client.get("/recommendations/cold").json()["items"] == rows)
    assert "recommendations" not in client.post("/users", json=[{"user_id": "a"}, {"user_id": "b"}]).json()


def test_a_deleted_user_is_marked_and_their_record_is_gone(client: Client, log: Log) -> None:
    client.post("/users", json={"user_id": "u3", "preferences": ["c1"]})
    until(lambda: client.get("/users/u3/profile").json()["preferences"] == ["c1"])
    assert client.post("/users/u3/lists", json={"list_id": "gifts"}).status_code == 201
    deleted = client.delete("/users/u3")
    assert client.get("/users/u3/lists").json()["lists"] == []
    assert deleted.status_code == 202
    assert (deleted.json()["known"], deleted.json()["user_id"]) == (True, "u3")
    (mark,) = marks(log)
    assert vars(mark) == {name: deleted.json()[name] for name in ("user_id", "partition", "offset", "at")}
    until(lambda: client.get("/users/u3/profile").json()["preferences"] == [])
    assert client.delete("/users/nobody").json()["known"] is False
    problem(client.delete("/users/%00"), 422)


def test_a_hidden_or_deleted_item_leaves_every_list_but_not_the_sums(client: Client, log: Log) -> None:
    item = client.get("/trending").json()["items"][0]
    before = client.get(f"/items/{quote(item['item_id'], '')}").json()
    assert before["hidden"] is False
    for value in (json.dumps({"item_id": item["item_id"], "hidden": True}).encode(), None):
        log.appender().append_all(log.topics.items, [(item["item_id"].encode(), value)])
        until(lambda: client.get(f"/items/{quote(item['item_id'], '')}").json()["hidden"])
        assert item["item_id"] not in [row["item_id"] for row in client.get("/trending?n=1000").json()["items"]]
        assert client.get(f"/items/{quote(item['item_id'], '')}").json()["norm"] == before["norm"]
        shown = {"item_id": item["item_id"], "title": "back"}
        assert client.post("/items", json=[shown]).status_code == 202
        until(lambda: not client.get(f"/items/{quote(item['item_id'], '')}").json()["hidden"])
        assert item["item_id"] in [row["item_id"] for row in client.get("/trending?n=1000").json()["items"]]


def test_an_encoded_slash_is_a_part_of_the_id(client: Client) -> None:
    answer = client.get(f"/items/{quote(SLASHED, '')}/similar").json()
    assert answer["item_id"] == SLASHED
    assert answer["items"]
    assert client.get(f"/explain/u2/{quote(SLASHED, '')}").json()["item_id"] == SLASHED
    problem(client.get(f"/items/{SLASHED}/similar"), 404)


def test_an_unknown_item_is_404_and_a_wrong_parameter_422(client: Client) -> None:
    assert "there is no item 'nothing'" in problem(client.get("/items/nothing/similar"), 404)["detail"]
    problem(client.get("/items/nothing"), 404)
    problem(client.get("/explain/u1/nothing"), 404)
    problem(client.get("/no-such-thing"), 404)
    problem(client.get("/recommendations/u1", params={"n": 0}), 422)
    problem(client.get("/recommendations/u1", params={"n": 1001}), 422)
    problem(client.get("/trending", params={"window": "90m"}), 422)
    problem(client.get("/trending", params={"as_of": "yesterday"}), 422)
    problem(client.get("/items/%00/similar"), 422)
    problem(client.post("/recommendations/u1", json={"n": "many"}), 422)


def test_accepted_interactions_are_in_the_log_as_sent_and_the_others_are_named(client: Client, log: Log) -> None:
    good = {"event_id": "mine", "event_time": START, "kind": "view", "user_id": "ü", "item_id": "i", "extra": 1}
    bare = {"kind": "rating", "value": 4.5, "user_id": "v", "item_id": "i"}
    bad = [{**good, "kind": "stare"}, 5, {**good, "item_id": ""}, {"kind": "rating", "user_id": "v", "item_id": "i"}]
    response = client.post("/interactions", json=[good, bad[0], bare, *bad[1:]])
    assert response.status_code == 202
    body = response.json()
    reasons = ["unknown_kind", "malformed", "invalid:item_id", "missing:value"]
    assert [(row["index"], row["reason"]) for row in body["rejected"]] == list(zip([1, 3, 4, 5], reasons, strict=True))
    assert (body["accepted"], body["event_ids"][0]) == (2, "mine")
    records = list(log.read(log.topics.events, log.start_offsets(), log.end_offsets()))
    sent = {record.key: json.loads(record.value or b"") for record in records}
    assert sent["ü".encode()] == good
    assert sent[b"v"] == {**bare, "event_id": body["event_ids"][1], "event_time": sent[b"v"]["event_time"]}
    assert abs(sent[b"v"]["event_time"] - time.time() * 1000) < 60_000


def test_the_answer_names_an_id_that_occurs_twice_in_one_list(client: Client) -> None:
    twice = {"event_id": "twice", "kind": "view", "user_id": "doubled", "item_id": "y1"}
    response = client.post("/interactions", json=[twice, {**twice, "item_id": "y2"}])
    assert response.status_code == 202
    assert response.json()["duplicates"] == [{"index": 1, "event_id": "twice"}]
    assert response.json()["accepted"] == 2


def test_a_list_of_which_nothing_is_good_or_that_is_unsafe_to_send_again_is_422(client: Client, log: Log) -> None:
    row = {"kind": "view", "user_id": "u", "item_id": "i"}
    assert (
        problem(client.post("/interactions", json={**row, "kind": "x"}), 422)["rejected"][0]["reason"] == "unknown_kind"
    )
    problem(client.post("/interactions", content=b"{", headers={"Content-Type": "application/json"}), 422)
    problem(client.post("/interactions", json=[]), 422)
    problem(client.post("/interactions", json=[row] * 1001), 422)
    assert "at most 64" in problem(client.post("/interactions", json=[row] * 65), 422)["detail"]
    assert client.post("/interactions", json=[row] * 64).status_code == 202
    assert sum(log.end_offsets().values()) == 64


def applied(store: ViewStore) -> Applied:
    return Applied.from_json(store.record(CATALOGUE))


def test_the_catalogue_is_followed_to_the_end_and_nothing_is_applied_twice(client: Client, settings: Settings) -> None:
    items = [{"item_id": f"new{k}", "title": f"T{k}", "price": 2.5} for k in range(50)]
    assert client.post("/items", json=[*items, {"item_id": "bad", "price": -1}]).json()["accepted"] == 50
    until(lambda: client.get("/items/new49").status_code == 200)
    assert client.get("/items/new7").json()["title"] == "T7"
    problem(client.get("/items/bad"), 404)
    store = open_store(settings.speed_views_url)
    try:
        until(lambda: (applied(store).items, applied(store).users) == ({"0": 50}, {"0": 1}))  # one by the fixture
        before = applied(store)
        assert client.post("/items", json={"item_id": "last"}).json()["accepted"] == 1
        until(lambda: applied(store).items == {"0": 51})
        after = applied(store)
        assert after.version - before.version == 2  # one claim and one end: between them nothing was written
        assert after.rejected == before.rejected
    finally:
        store.close()


def test_a_fresh_home_is_alive_but_not_ready(tmp_path: Path) -> None:
    settings = Settings.of(home=tmp_path / "new", kafka="127.0.0.1:1")
    with serving(settings) as client:
        assert client.get("/health").status_code == 200
        assert "nothing is published" in problem(client.get("/ready"), 503)["detail"]
        problem(client.get("/trending"), 503)
        problem(client.post("/interactions", json={"kind": "view", "user_id": "u", "item_id": "i"}), 503)


def test_ready_says_what_the_answers_are_made_of(client: Client) -> None:
    ready = client.get("/ready").json()
    assert ready["status"] == "ready"
    assert ready["generation"]
    assert client.get(str(client.base_url).replace("/api/v1/", "/openapi.json")).status_code == 200
