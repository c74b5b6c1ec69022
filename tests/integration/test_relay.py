"""``relay`` on a real broker: keys, order, commits, dead letters, and a process that is killed over and over."""

import json
import os
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from adapters.log.kafka_log import Log
from adapters.telemetry.counting import all_numbers
from core.events.acceptance import parse_event
from datasets.relaying.cli import relay
from schemas.event import Event, Record
from schemas.rules import Rules
from tests.kit.commands import Commands
from tests.kit.waiting import until

pytestmark = pytest.mark.kafka
PARTITIONS = 3
MAPPING = """
each = "lines"
[event]
user_id = "customer.id"
item_id = "@.sku"
kind = { path = "type", words = { bought = "purchase" } }
event_time = "$timestamp"
"""


@pytest.fixture
def orders(log: Log) -> str:
    """A topic of others, keyed by what is no user."""
    name = log.topics.events.removesuffix("events") + "orders"
    for created in log.admin.create_topics([NewTopic(name, PARTITIONS)]).values():
        created.result(10)
    return name


@pytest.fixture
def environment(log: Log, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "shop.toml").write_text(MAPPING)
    prefix = log.topics.events.removesuffix("events")
    return {"MILLRACE_KAFKA": log.bootstrap, "MILLRACE_TOPIC_PREFIX": prefix, "MILLRACE_HOME": str(tmp_path / "home")}


def order(user: int, number: int, lines: int = 2, kind: str = "bought") -> bytes:
    skus = [{"sku": f"i{number}-{line}"} for line in range(lines)]
    return json.dumps({"type": kind, "customer": {"id": user}, "lines": skus}).encode()


def send(log: Log, topic: str, values: list[tuple[bytes | None, bytes | None]]) -> None:
    appender = log.appender()
    for key, value in values:
        appender.append(topic, key, value)
    appender.flush()


def records(log: Log, topic: str) -> list[Record]:
    return list(log.read(topic, log.start_offsets(topic), log.end_offsets(topic)))


def run(tmp_path: Path, environment: dict[str, str], *words: str, status: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(relay, [*words, "--available-now", "--json"], env=environment, catch_exceptions=False)
    assert result.exit_code == status, result.output
    return json.loads(result.stdout) if status == 0 else {"error": result.stderr}


def test_a_topic_keyed_by_orders_becomes_events_keyed_by_users(
    log: Log, orders: str, environment: dict[str, str], tmp_path: Path
) -> None:
    mapping = ("--mapping", str(tmp_path / "shop.toml"))
    values: list[tuple[bytes | None, bytes | None]] = [(b"%d" % n, order(n % 7, n)) for n in range(500)]
    send(log, orders, [*values, (b"gone", None), (b"x", b"{"), (b"y", order(1, 9, kind="sold"))])
    appender = log.appender()
    appender.append(orders, b"z", b"[", [("shop", b"a"), ("empty", None)])
    appender.flush()
    first = run(tmp_path, environment, orders, *mapping)
    assert {name: first[name] for name in ("records", "events", "tombstones", "dead_letters")} == {
        "records": 504, "events": 1_000, "tombstones": 1, "dead_letters": 3,
    }  # fmt: skip
    events = records(log, log.topics.events)
    parsed = [parse_event(record, Rules(partitions=len(log.start_offsets()))) for record in events]
    assert all(isinstance(event, Event) for event in parsed)
    assert {event.item_id for event in parsed if isinstance(event, Event)} == {
        f"i{n}-{line}" for n in range(500) for line in range(2)
    }
    letters = list(log.messages(log.topics.relay_dead_letters, {0: 0}, log.end_offsets(log.topics.relay_dead_letters)))
    assert {letter.value() for letter in letters} == {b"{", b"[", order(1, 9, kind="sold")}
    for letter in letters:
        headers = dict(letter.headers() or [])
        own = {name: value for name, value in headers.items() if name in ("shop", "empty")}
        assert own == ({"shop": b"a", "empty": None} if letter.value() == b"[" else {})
        assert headers["topic"] == orders.encode()
        assert {"partition", "offset", "timestamp", "reason"} <= headers.keys()
    numbers = {key: cells[0] for key, cells in all_numbers().items() if orders in key[1]}
    assert numbers[("millrace_relay_records_total", (orders,))] == 504
    assert {number for key, number in numbers.items() if key[0] == "millrace_relay_lag_records"} == {0}
    # What was read is committed, and dead letters are relayed again by a better mapping, under the ids of their place.
    assert run(tmp_path, environment, orders, *mapping)["records"] == 0
    (tmp_path / "better.toml").write_text(MAPPING.replace('bought = "purchase"', 'sold = "purchase"'))
    again = run(tmp_path, environment, log.topics.relay_dead_letters, "--mapping", str(tmp_path / "better.toml"))
    assert (again["records"], again["events"], again["dead_letters"]) == (3, 2, 2)
    ids = {json.loads(record.value or b"")["event_id"] for record in records(log, log.topics.events)[len(events) :]}
    assert all(event_id.startswith(orders) for event_id in ids)
    assert sum(log.end_offsets(log.topics.relay_dead_letters).values()) == 3


def test_what_a_relay_cannot_begin_with_is_one_sentence(
    log: Log, orders: str, environment: dict[str, str], tmp_path: Path
) -> None:
    mapping = ("--mapping", str(tmp_path / "shop.toml"))
    assert "has no topic nothing" in run(tmp_path, environment, "nothing", *mapping, status=3)["error"]
    refused = run(tmp_path, environment, log.topics.events, *mapping, status=1)["error"]
    assert "where the relay writes to" in refused
    assert "is no format and no mapping" in run(tmp_path, environment, orders, "--mapping", "shp", status=1)["error"]


@pytest.mark.deep
def test_several_processes_relay_as_one_command_and_keep_the_order_of_each_user(
    log: Log, orders: str, environment: dict[str, str], tmp_path: Path
) -> None:
    values: list[tuple[bytes | None, bytes | None]] = [
        (b"shard-%d" % (n % 5), order(n % 5, n, lines=1)) for n in range(2_000)
    ]
    send(log, orders, [*values, (b"x", b"{"), (b"y", order(1, 9, kind="sold"))])
    words = ("relay", orders, "--mapping", "shop.toml", "--processes", "2", "--available-now")
    commands = Commands(tmp_path, environment)
    shown = commands.json(*words)
    assert {name: shown[name] for name in ("records", "events", "dead_letters")} == {
        "records": 2_002, "events": 2_000, "dead_letters": 2,
    }  # fmt: skip
    assert counted(log) == {str(user): [f"i{n}-0" for n in range(user, 2_000, 5)] for user in range(5)}
    assert commands.json(*words)["records"] == 0
    with commands.started(*words[:-1], log=tmp_path / "relay.log") as process:
        until(lambda: len(members(commands)) == 2)
        os.kill(members(commands)[0], signal.SIGKILL)
        assert process.wait(60) == 1
    commands.wait_until_none_is_left()
    assert "so the others were stopped" in (tmp_path / "relay.log").read_text()
    send(log, orders, values[:1])
    assert commands.json(*words)["records"] == 1


def members(commands: Commands) -> list[int]:
    """The processes that run now as members, by id."""
    return [pid for pid, command in commands.processes().items() if "--member" in command and "leash" not in command]


@pytest.mark.deep
def test_a_relay_that_is_killed_over_and_over_gives_every_user_what_the_source_has_in_its_order(
    log: Log, orders: str, environment: dict[str, str], tmp_path: Path
) -> None:
    """Each user's orders lie in one partition; some users have far more events than ids are remembered."""
    count, users = 30_000, 40
    expected: dict[str, list[str]] = defaultdict(list)
    appender = log.appender()
    for n in range(count):
        user = 0 if n % 3 == 0 else n % users
        appender.append(orders, b"shard-%d" % (user % 5), order(user, n, lines=1))
        expected[str(user)].append(f"i{n}-0")
    appender.flush()
    commands = Commands(tmp_path, environment)
    words = ("relay", orders, "--mapping", "shop.toml")
    for kills in range(1, 5):
        with commands.started(*words, log=tmp_path / "relay.log") as process:
            until(lambda: sum(log.end_offsets().values()) >= kills * count // 6, why=(tmp_path / "relay.log").read_text)  # noqa: B023
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    with commands.started(*words, log=tmp_path / "relay.log") as process:
        until(lambda: counted(log) == expected, why=(tmp_path / "relay.log").read_text, look_every=1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert commands.json(*words, "--available-now")["records"] == 0


def counted(log: Log) -> dict[str, list[str]]:
    """The items of each user in the order in which they count: repeats within the last 64 ids do not."""
    known: dict[str, list[str]] = defaultdict(list)
    items: dict[str, list[str]] = defaultdict(list)
    for record in records(log, log.topics.events):
        event = json.loads(record.value or b"")
        user = event["user_id"]
        if event["event_id"] not in known[user][-Rules().remembered_ids :]:
            known[user].append(event["event_id"])
            items[user].append(event["item_id"])
    return items
