"""Changes of existing records by HTTP: a part of an item, and whose a history is."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Client

from adapters.log.forgotten import forget
from adapters.log.kafka_log import Log
from adapters.settings import Settings
from core.partitions.partitioner import partition_of
from tests.kit.commands import millrace
from tests.kit.serving import RULES, SLASHED, START, client, problem, settings
from tests.kit.waiting import until

__all__ = ["client", "settings"]  # fixtures

pytestmark = pytest.mark.kafka


def events_in(log: Log) -> list[dict[str, Any]]:
    """All events in the log, each with its key checked; the order between partitions is by partition."""
    events = []
    for record in log.read(log.topics.events, log.start_offsets(), log.end_offsets()):
        events.append(json.loads(record.value or b""))
        assert record.key == events[-1]["user_id"].encode()
    return events


def test_a_partial_record_hides_an_item_and_keeps_the_rest(client: Client) -> None:
    lamp = {"item_id": "lamp", "title": "Lamp", "price": 10.0, "categories": ["light", "gifts"]}
    assert client.post("/items", json=lamp).status_code == 202
    done = client.patch("/items/lamp", json={"hidden": True})  # at once: the catalogue may lag behind the post
    assert (done.status_code, done.json()) == (202, {"accepted": 1, "item": {**lamp, "hidden": True}})
    headers = {"Content-Type": "application/merge-patch+json"}
    done = client.patch("/items/lamp", content=b'{"hidden": null, "price": null}', headers=headers)
    expected = {name: value for name, value in lamp.items() if name != "price"}
    assert done.json()["item"] == expected
    until(lambda: client.get("/items/lamp").json().get("categories") == ["light", "gifts"])
    seen = client.patch(f"/items/{quote(SLASHED, '')}", json={"title": "Seen"})
    assert seen.json()["item"] == {"item_id": SLASHED, "title": "Seen"}


def test_a_change_of_an_unknown_item_is_404_and_one_that_is_not_understood_422(client: Client) -> None:
    assert "there is no item 'nothing'" in problem(client.patch("/items/nothing", json={"title": "x"}), 404)["detail"]
    for body, said in (
        ({"titel": "x"}, "did you mean 'title'?"),
        ({"item_id": "y2"}, "cannot be changed"),
        ([], "one object"),
        ({"price": -1}, "invalid:price"),
    ):
        assert said in problem(client.patch("/items/y1", json=body), 422)["detail"]
    problem(client.patch("/items/y1", content=b"{}", headers={"Content-Type": "text/plain"}), 415)


def test_an_alias_sends_the_history_as_the_known_users_and_retracts_it_once_that_is_in_the_log(
    client: Client, log: Log
) -> None:
    history = client.get("/users/u3/history", params={"n": 100}).json()["items"]
    done = client.post("/users/known/aliases", json={"anonymous": "u3"})
    items = [row["item_id"] for row in history]
    ends = log.end_offsets()
    positions = {str(p): ends[p] for p in sorted({partition_of(u, "murmur2", len(ends)) for u in (b"known", b"u3")})}
    assert (done.status_code, done.json()) == (
        202, {"user_id": "known", "anonymous": "u3", "moved": len(items), "items": items, "positions": positions}
    )  # fmt: skip
    sent = events_in(log)
    received = [event for event in sent if event["user_id"] == "known"]
    assert [(e["item_id"], e["value"], e["event_time"]) for e in received[::-1]] == [
        (row["item_id"], row["rating"], row["last_time"]) for row in history
    ]
    retracted = [event for event in sent if event["user_id"] == "u3"]
    assert [(event["kind"], event["item_id"]) for event in retracted[::-1]] == [("remove", item) for item in items]


def test_what_cannot_be_an_alias_is_refused(client: Client, log: Log) -> None:
    assert (
        "there is no user 'nobody'"
        in problem(client.post("/users/known/aliases", json={"anonymous": "nobody"}), 404)["detail"]
    )
    for body in ({"anonymous": "u3"}, {"anonymous": ""}, {"anonymus": "u4"}, {"anonymous": 4}, [], {}):
        problem(client.post("/users/u3/aliases", json=body), 422)
    assert not events_in(log)


def test_who_waits_to_be_forgotten_is_not_moved(client: Client, log: Log) -> None:
    forget(log, RULES, "u3", START)
    said = problem(client.post("/users/known/aliases", json={"anonymous": "u3"}), 422)["detail"]
    assert "waits to be forgotten" in said
    assert not events_in(log)


def test_a_history_that_the_views_do_not_hold_to_the_logs_end_is_not_moved(
    client: Client, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving_layer.answers.aliases.PATIENCE_SECONDS", 0.2)
    more = [{"kind": "view", "user_id": "u3", "item_id": f"more{k}"} for k in range(60)]
    assert [client.post("/interactions", json=more).status_code for _ in range(2)] == [202, 202]
    said = problem(client.post("/users/known/aliases", json={"anonymous": "u3"}), 503)["detail"]
    assert "the speed layer is behind the log" in said
    assert len(events_in(log)) == 120


def test_the_command_moves_a_history_and_says_how_much(client: Client, settings: Settings, log: Log) -> None:
    prefix = {"MILLRACE_KAFKA": settings.log.kafka, "MILLRACE_TOPIC_PREFIX": settings.log.topic_prefix}
    done = millrace(settings.home, "alias", "u3", "known", "--json", **prefix)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["moved"] * 2 == len(events_in(log)) > 0
    none = millrace(settings.home, "alias", "nobody", "known", **prefix)
    assert (none.returncode, none.stdout) == (1, "")
    assert "there is no user 'nobody'" in none.stderr
