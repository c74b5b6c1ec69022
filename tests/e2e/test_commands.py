"""The command line from the first event to the last proof, as its user has it: in a home of its own, step by step."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.broker.embedded import embedded_broker
from adapters.log.appender import Appender
from adapters.log.kafka_log import Log
from adapters.records.books import generation_book
from adapters.settings import Settings
from adapters.stores import open_store
from core.fold.slow import SlowView
from core.rows.codec import pack_norm, unpack_norm
from schemas.event import Event
from schemas.rules import Rules
from tests.kit.commands import Commands, CommandsHere
from tests.kit.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(900)]

HEADER = {"generation", "segment", "fresh_to", "degraded"}
# Contract §7, key for key.
KEYS: dict[str, tuple[set[str], set[str]]] = {
    "recommend": ({"user_id", *HEADER, "items"}, {"item_id", "score", "confidence", "source", "because", "category"}),
    "similar": ({"item_id", *HEADER, "exact", "norm", "items"}, {"item_id", "score", "co_rating", "norm"}),
    "trending": (
        {"as_of", "window_seconds", "basis", *HEADER, "items"},
        {"item_id", "score", "count", "expected", "growth", "change", "category"},
    ),
    "history": ({"user_id", *HEADER, "items"}, {"item_id", "rating", "last_time"}),
}
STATUS = {
    "generation", "epoch", "boundary", "segment", "applied", "end", "lag_events", "freshness_seconds", "rejected",
    "rejected_by_reason", "modes",
}  # fmt: skip
VERIFY = {"events", "users", "items", "pairs", "counts", "mismatches"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """A shop with a past: generated, produced, one generation published, then more applied by the speed layer."""
    folder = tmp_path_factory.mktemp("shop")
    env = {"MILLRACE_HOME": str(folder / "home"), "MILLRACE_GRACE": "0s", "MILLRACE_SPEED_ENGINE": "local"}
    shop = Commands(folder, env)
    with embedded_broker(folder / "home") as bootstrap:  # so that not every command starts and stops one
        generated = shop.json(
            "generate", "--users", 40, "--items", 20, "--events", 900, "--seed", 5, "--out", "events.jsonl"
        )
        assert generated["events"] == 900
        lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
        (folder / "first.jsonl").write_bytes(b"".join(lines[:600]))
        (folder / "second.jsonl").write_bytes(
            b"".join(lines[600:]) + b'{"user_id": "user-1", "kind": "gaze"}\nnonsense\n'
        )
        assert shop.json("produce", "first.jsonl")["acknowledged"] == 600
        assert shop.json("produce", "items.jsonl", "--topic", "items")["acknowledged"] == 20
        generation = shop.json("batch", "run", "--reason", "the first")
        assert generation["reason"] == "the first"
        assert sum(generation["boundary"].values()) == 600
        assert shop.json("produce", "second.jsonl") | {"seconds": 0} == {
            "topic": "events", "acknowledged": 302, "without_key": 1, "empty": 0, "seconds": 0,
            "rejected": {"malformed": 1, "missing:event_id": 1},
        }  # fmt: skip
        Appender(bootstrap).append_all("events", [(b"someone else", event(user_id="user-2", item_id="rescued"))])
        shop.run("speed", "run", "--available-now")
        yield shop
    shop.wait_until_none_is_left()


@pytest.fixture
def here(shop: Commands) -> CommandsHere:
    """The same shop, whose commands run in this process."""
    return CommandsHere(shop.folder, shop.env)


def event(**members: Any) -> bytes:
    given = {"event_id": "own-1", "event_time": 1_700_000_000_000, "kind": "purchase", **members}
    return json.dumps(given).encode()


def test_every_lookup_has_the_keys_of_the_contract_and_prints_data_alone(shop: Commands, here: CommandsHere) -> None:
    twin = twin_of(shop)
    user = max(twin.histories, key=lambda user: len(twin.histories[user].entries))
    item = max(twin.norms, key=lambda item: twin.norms[item])
    asked = {"recommend": [user], "similar": [item], "trending": ["--window", "10d"], "history": [user]}
    for command, words in asked.items():
        answer = shop.json(command, *words, "-n", 1000)
        keys, row_keys = KEYS[command]
        assert keys <= answer.keys()
        assert answer["items"], command
        assert all(row_keys <= row.keys() for row in answer["items"])
        assert answer["degraded"] == []
    pairs = {other: amount / 1000 for (one, other), amount in twin.pairs.items() if one == item and amount > 0}
    assert {row["item_id"]: row["co_rating"] for row in here.json("similar", item, "-n", 1000)["items"]} == pairs
    entries = [(name, rating / 1000, last) for name, (rating, last) in twin.histories[user].entries.items()]
    assert [tuple(row.values()) for row in here.json("history", user, "-n", 1000)["items"]] == entries[::-1]
    recommended = {row["item_id"] for row in here.json("recommend", user, "-n", 1000)["items"]}
    assert recommended.isdisjoint(name for name, there in twin.seen[user].items() if there)
    assert here.json("explain", user, item).keys() >= {"user_id", "item_id", *HEADER, "score", "because"}
    assert here.json("bucket-changes", "--window", "2h").keys() >= {"as_of", *HEADER, "buckets"}


def twin_of(shop: Commands) -> SlowView:
    """The slow fold of the shop's own file."""
    from core.events.acceptance import parse_event

    twin, rules = SlowView(), Rules()
    with embedded_broker(Path(shop.env["MILLRACE_HOME"])) as bootstrap:
        log = Log(bootstrap)
        for record in log.read("events", log.start_offsets(), log.end_offsets()):
            event = parse_event(record, rules)
            if isinstance(event, Event):
                twin.take(event, rules)
    return twin


def test_wrong_input_gets_one_sentence_and_its_exit_status(shop: Commands, here: CommandsHere, tmp_path: Path) -> None:
    assert "no-such-item" in shop.refused("similar", "no-such-item")
    shop.run("no-such-command", status=2)
    here.run("similar", "--no-such-option", status=2)
    here.run("trending", "-n", "0", status=2)
    here.run("trending", "--window", "90m", status=2)
    here.run("produce", "no-such-file", status=2)
    stranger = here.json("recommend", "nobody")
    assert stranger["personal"] is False
    assert {row["source"] for row in stranger["items"]} <= {"trending", "popular"}
    assert here.json("history", "nobody")["items"] == []
    assert "colour" in here.refused("trending", MILLRACE_COLOUR="red")
    (tmp_path / "own.toml").write_text('colour = "red"\n')
    assert "colour" in here.refused("trending", MILLRACE_CONFIG=str(tmp_path / "own.toml"))
    assert "history_items" in here.refused("status", MILLRACE_HISTORY_ITEMS="many")
    unreachable = shop.refused("produce", "first.jsonl", MILLRACE_KAFKA="127.0.0.1:1")
    assert "127.0.0.1:1" in unreachable
    assert "gone" in here.refused("rollback", "gone")


def test_before_anything_ran_the_commands_say_so(tmp_path: Path) -> None:
    nothing = CommandsHere(tmp_path, {"MILLRACE_HOME": str(tmp_path / "home")})
    for words in (["trending"], ["recommend", "u"], ["history", "u"], ["similar", "i"], ["generations"], ["rollback"]):
        assert "run" in nothing.refused(*words, status=3), words
    assert list(tmp_path.iterdir()) == []  # asking makes nothing
    (tmp_path / "home").mkdir()
    assert "run" in nothing.refused("trending", status=3)


@pytest.mark.deep  # tests/crash does so, too
def test_a_killed_speed_layer_and_a_second_one_harm_nothing(shop: Commands, tmp_path: Path) -> None:
    lines = (shop.folder / "events.jsonl").read_text().splitlines()
    fresh = [json.dumps(json.loads(line) | {"event_id": f"fresh-{n}"}) for n, line in enumerate(lines[:100])]
    (tmp_path / "fresh.jsonl").write_text("\n".join(fresh))
    shop.run("produce", tmp_path / "fresh.jsonl")
    shop.run("speed", "run", "--available-now", status=-signal.SIGKILL, MILLRACE_FAULT="written")
    assert shop.json("status")["lag_events"] == 100
    log = tmp_path / "speed.log"
    with shop.started("speed", "run", log=log) as speed:
        until(lambda: shop.json("status")["lag_events"] == 0, why=log.read_text)
        assert shop.json("status")["speed"]["alive"]
        assert shop.json("status")["modes"] == {"engine": "local"}
        refusal = shop.refused("speed", "run", "--available-now")
        assert f"process {speed.pid}" in refusal
        assert shop.json("status")["epoch"] == 1
        speed.send_signal(signal.SIGTERM)
        assert speed.wait(120) == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    assert not shop.json("status")["speed"]["alive"]


@pytest.mark.usefixtures("spark")  # verify takes the session that is there
def test_status_and_verify_tell_the_truth(shop: Commands, here: CommandsHere) -> None:
    status = shop.json("status")
    assert status.keys() >= STATUS
    assert (status["lag_events"], status["freshness_seconds"]) == (0, 0)
    assert status["applied"] == status["end"] != status["boundary"]
    assert status["rejected_by_reason"] == {"missing:event_id": 1, "malformed": 1, "key_mismatch": 1}
    report = here.json("verify")
    assert report.keys() >= VERIFY
    twin = twin_of(shop)
    assert (report["mismatches"], report["events"], report["users"]) == (0, twin.events, len(twin.histories))


def test_rejected_records_are_listed_and_replayed_once(shop: Commands, here: CommandsHere) -> None:
    letters = here.json("rejected", "list")
    assert [letter["reason"] for letter in letters].count("key_mismatch") == 1
    assert {"nonsense"} == {letter["value"] for letter in letters if letter["reason"] == "malformed"}
    assert shop.json("rejected", "replay") == {"replayed": 3, "replayed_before": 0}
    assert here.json("rejected", "replay") == {"replayed": 0, "replayed_before": 3}


def test_generations_are_listed_rolled_back_and_released(shop: Commands, here: CommandsHere) -> None:
    first = here.json("status")["generation"]
    second = shop.json("batch", "run")
    assert [row["active"] for row in here.json("generations") if row["id"] in (first, second["id"])] == [False, True]
    assert "rescued" in {row["item_id"] for row in here.json("history", "user-2", "-n", 1000)["items"]}  # by the replay
    assert shop.json("rollback") == {"active": first, "predecessor": second["id"], "held": True}
    answer = here.json("trending")
    assert (answer["generation"], answer["degraded"]) == (first, [])
    assert here.json("rollback", "--release")["held"] is False
    assert here.json("rollback", second["id"])["active"] == second["id"]


def test_a_run_in_steps_is_begun_once_listed_and_refuses_what_is_missing(shop: Commands, here: CommandsHere) -> None:
    begun = shop.json("batch", "boundary", "--run", "night:1", "--reason", "tonight")
    assert (
        begun == here.json("batch", "boundary", "--run", "night:1") == {"run": "night:1", "boundary": begun["boundary"]}
    )
    assert "next: `millrace batch ingest night:1`" in here.run("batch", "boundary", "--run", "night:1").stdout
    assert "`millrace batch ingest night:1`" in here.refused("batch", "publish", "night:1")
    assert "not known" in here.refused("batch", "publish", "night:2")
    (row,) = [row for row in here.json("generations") if row["id"] == "night:1"]
    assert (row["done"], row["reason"], row["active"]) == ([], "tonight", False)
    assert "…" not in shop.run("generations", COLUMNS="40").stdout  # names are there to be copied
    assert "there are" in here.refused("batch", "boundary", "--at", "999")


def test_a_schedule_makes_runs_shows_in_status_and_is_the_only_one(
    shop: Commands, here: CommandsHere, tmp_path: Path
) -> None:
    log = tmp_path / "schedule.log"
    with shop.started("batch", "run", "--every", "10s", log=log) as schedule:
        until(lambda: last_run(here).get("result") == "published", why=log.read_text)
        state = here.json("status")["schedule"]
        assert (state["alive"], state["failures"], state["failing_since"]) == (True, 0, None)
        assert state["next_due"] > state["last"]["began_at"]
        assert f"process {schedule.pid}" in here.refused("batch", "run", "--every", "10s")
        schedule.send_signal(signal.SIGTERM)
        assert schedule.wait(120) == 0, log.read_text()
    assert not here.json("status")["schedule"]["alive"]
    assert "Traceback" not in log.read_text()


def last_run(shop: Commands) -> dict[str, Any]:
    return ((shop.json("status")["schedule"] or {}).get("last")) or {}


@pytest.mark.deep
def test_changed_weights_are_refused_until_a_full_run(shop: Commands) -> None:
    kinds = json.dumps({"view": 7, "purchase": 5, "rating": "value", "remove": "remove"})
    assert "--full" in shop.refused("batch", "run", MILLRACE_KINDS=kinds)
    shop.env["MILLRACE_KINDS"] = kinds
    generation = shop.json("batch", "run", "--full")
    assert shop.json("status")["generation"] == generation["id"]
    assert "later run was faster" in shop.refused("batch", "publish", "night:1")  # begun before this one
    shop.run("speed", "run", "--available-now")
    assert shop.json("verify")["mismatches"] == 0
    assert shop.json("status")["epoch"] > 1


@pytest.mark.usefixtures("spark")
def test_verify_exits_1_when_a_row_is_wrong(shop: Commands, here: CommandsHere) -> None:
    settings = Settings.of(home=Path(shop.env["MILLRACE_HOME"]))
    views, book = open_store(settings.batch_views_url), generation_book(here.json("status")["generation"])
    key, norm = next(iter(views.scan(book, "norms")))
    views.put(book, {("norms", key): pack_norm(unpack_norm(norm) + 1)})
    report = here.json("verify", status=1)
    views.put(book, {("norms", key): norm})
    views.close()
    assert report["mismatches"] == 1
    assert key.decode() in report["examples"][0]
