"""The relay loses nothing, keeps order, and what a crash repeats the fold recognises, wherever it dies."""

import json
from collections import defaultdict
from dataclasses import replace

import pytest

from adapters.log.dead_letters import DeadLetter
from adapters.telemetry.counting import all_numbers
from core.events.acceptance import parse_event
from core.partitions.partitioner import partition_of
from datasets.relaying.opened import MOST_KEPT, fitting
from datasets.relaying.transform import id_prefix
from schemas.errors import BadInput
from schemas.event import Event, Record
from schemas.rules import Rules
from tests.kit.relayed import NOW, Message, World, record, relayed, transform_of, until_done

MAPPING = {
    "event": {"user_id": "u", "item_id": "@.i", "kind": {"const": "view"}, "event_time": "$timestamp"},
    "each": "lines",
}
RULES = Rules()


def order(user: str, *items: str, offset: int) -> Message:
    return record(json.dumps({"u": user, "lines": [{"i": item} for item in items]}).encode(), offset)


def orders(count: int, users: int) -> list[Message]:
    return [order(f"u{n % users}", f"a{n}", f"b{n}", offset=n) for n in range(count)]


def folded(events: list[dict[str, bytes]]) -> dict[str, list[str]]:
    """The items of each user in the order in which they count, by the rule of duplicates."""
    known, counted = defaultdict(list), defaultdict(list)
    for event in events:
        members = json.loads(event["value"])
        user, event_id = members["user_id"], members["event_id"]
        if event_id not in known[user][-RULES.remembered_ids :]:
            known[user].append(event_id)
            counted[user].append(members["item_id"])
    return counted


def test_every_event_is_accepted_by_the_layers_and_keyed_by_its_user() -> None:
    world = World(orders(5, 2))
    until_done(world, lambda: transform_of(MAPPING))
    assert len(world.events) == 10
    for event in world.events:
        partition = partition_of(event["key"], RULES.partitioner, RULES.partitions)
        parsed = parse_event(Record("events", partition, 0, NOW, event["key"], event["value"]), RULES)
        assert isinstance(parsed, Event)
        assert event["key"] == parsed.user_id.encode()


@pytest.mark.parametrize(("users", "most_per_user"), [(3, 32), (1, 3), (1, 32)])
def test_a_relay_that_dies_at_any_step_gives_what_one_that_lives_gives(users: int, most_per_user: int) -> None:
    source = orders(40, users)
    whole = World(source)
    until_done(whole, lambda: transform_of(MAPPING), most_per_user)
    for step in range(1, whole.step + 1):
        world = World(source, die_at=step)
        until_done(world, lambda: transform_of(MAPPING), most_per_user)
        assert folded(world.events) == folded(whole.events), step
        assert world.committed == {("orders", 0): len(source)}


def test_nobody_gets_more_events_between_two_commits_than_their_ids_are_remembered() -> None:
    world = World(orders(200, 1), chunk=50)
    until_done(world, lambda: transform_of(MAPPING), most_per_user=8)
    steps = [after - before for before, after in zip([0, *world.commits], world.commits, strict=False)]
    assert max(steps) <= 8
    assert sum(steps) == 400


def test_what_cannot_be_read_is_a_dead_letter_with_its_bytes_and_reason_and_the_rest_goes_on() -> None:
    broken = [
        b"{",
        b'{"u":1',
        b'{"lines":[{"i":"x"}]}',
        b"\x00\x00\x00\x00\x07Hxx",
        b'{"u":"a","lines":[{"i":"x"},{}]}',
    ]
    world = World([record(value, place) for place, value in enumerate(broken)] + [order("u", "a", offset=5)])
    relay = world.relay(transform_of(MAPPING))
    counts = relay.run()
    assert [letter.body for letter, _ in world.letters] == broken
    reasons = [reason for _, reason in world.letters]
    assert reasons[0].startswith("malformed JSON")
    assert reasons[2].startswith("no user_id")
    assert "Confluent's framing does, schema 7" in reasons[3]
    assert (counts.events, counts.dead_letters, len(world.events)) == (2, 5, 2)  # the good line of the last order, too
    assert world.committed == {("orders", 0): 6}


def test_metrics_count_what_was_relayed_and_no_label_has_the_words_of_a_record() -> None:
    kind = {"path": "k", "words": {"look": "", "buy": "purchase"}}
    mapping = {"event": {"user_id": "u", "item_id": "i", "kind": kind, "event_time": "$timestamp"}}
    values = [{"u": "a", "i": "x", "k": word} for word in ("buy", "look", "ann@example.test", "buy")]
    before = all_numbers()
    source = [record(json.dumps(value).encode(), place) for place, value in enumerate(values)] + [record(None, 4)]
    World(source).relay(transform_of(mapping)).run()
    counted = {key: cells[0] - before.get(key, (0.0,))[0] for key, cells in all_numbers().items() if "relay" in key[0]}
    assert {key: number for key, number in counted.items() if number} == {
        ("millrace_relay_records_total", ("orders",)): 5,
        ("millrace_relay_events_total", ("orders",)): 2,
        ("millrace_relay_left_out_total", ()): 2,
        ("millrace_relay_dead_letters_total", ("no kind",)): 1,
    } | {key: number for key, number in counted.items() if key[0] == "millrace_relay_lag_records" and number}
    assert ("millrace_relay_lag_records", ("orders", "0")) in counted


def test_reasons_that_differ_in_each_record_do_not_fill_the_memory() -> None:
    mapping = {"event": {"user_id": "u", "item_id": "i", "kind": "k", "event_time": "$timestamp"}}
    transform = transform_of(mapping)
    made = transform.events([record(b'{"u":"a","i":"b","k":"%d"}' % n, n) for n in range(300)])
    assert (len(made.wrong), transform.counts.dead_letters) == (300, 300)
    assert len(transform.counts.failed) == 101


def test_tombstones_and_what_the_mapping_leaves_out_are_counted_and_no_dead_letters() -> None:
    kind = {"path": "k", "words": {"buy": "purchase"}, "otherwise": ""}
    mapping = {"event": {"user_id": "u", "item_id": "i", "kind": kind}, "envelope": "debezium"}
    change = {"op": "c", "after": {"u": "a", "i": "x", "k": "buy"}, "ts_ms": NOW}
    values = [None, {**change, "op": "d", "before": {}}, {"schema": {}, "payload": None}, change]
    values.append({**change, "after": {"u": "a", "i": "x", "k": "look"}})
    world = World([record(json.dumps(v).encode() if v else None, place) for place, v in enumerate(values)])
    counts = world.relay(transform_of(mapping)).run()
    assert (counts.records, counts.events, counts.tombstones, counts.dead_letters) == (5, 1, 2, 0)
    assert counts.left_out == {"deleted row": 1, "'look' left out": 1}


def test_an_event_is_named_after_its_place_or_by_the_mapping() -> None:
    rows, _ = relayed(transform_of(MAPPING), order("u", "a", "b", offset=7).body, offset=7)
    assert [row["event_id"] for row in rows] == ["orders/0/7/0", "orders/0/7/1"]
    named = {**MAPPING, "event": {**MAPPING["event"], "event_id": "@.i"}}  # type: ignore[dict-item]
    assert relayed(transform_of(named), order("u", "a", offset=7).body)[0][0]["event_id"] == "a"
    assert len(id_prefix("t" * 249, 2**31 - 1) + f"{2**63 - 1}/9999") <= 128


@pytest.mark.parametrize(
    ("partition", "event_id"),
    [(b"2", "orders/2/9/0"), *((other, "relay-dlt/0/3/0") for other in (b"two", b"\xff", b"", None, b"9" * 5_000))],
)
def test_a_dead_letter_that_is_relayed_again_has_the_ids_of_its_first_place(
    partition: bytes | None, event_id: str
) -> None:
    """Headers of others that only look like a dead letter's change nothing."""
    headers = {"topic": b"orders", "partition": partition, "offset": b"9", "timestamp": b"1", "reason": b"x"}
    value = order("u", "a", offset=0).body
    [event], _ = relayed(transform_of(MAPPING), value, offset=3, beside=headers, source="relay-dlt")
    assert event["event_id"] == event_id


@pytest.mark.parametrize(
    ("path", "expected"),
    [("$topic", "orders"), ("$partition", "0"), ("$offset", "7"), ("$key", "k"), ("$header.tenant", "shop-1")],
)
def test_a_mapping_may_read_what_is_known_besides_the_value(path: str, expected: str) -> None:
    mapping = {**MAPPING, "event": {**MAPPING["event"], "source": path}}  # type: ignore[dict-item]
    value, beside = order("u", "a", offset=7).body, {"tenant": b"shop-1"}
    assert relayed(transform_of(mapping), value, offset=7, name=b"k", beside=beside)[0][0]["source"] == expected


def test_an_event_that_is_too_large_or_cannot_be_written_is_a_dead_letter() -> None:
    mapping = {**MAPPING, "event": {**MAPPING["event"], "note": "note"}}  # type: ignore[dict-item]
    for note, reason in (("x" * 70_000, "oversize"), ("\ud800", "malformed JSON")):
        value = json.dumps({"u": "a", "lines": [{"i": "x"}], "note": note}).encode()
        events, wrong = relayed(transform_of(mapping), value)
        assert (events, str(wrong)) == ([], reason)


def test_an_event_of_the_future_is_a_dead_letter() -> None:
    mapping = {"event": {"user_id": "u", "item_id": "i", "kind": {"const": "view"}, "event_time": "t"}}
    value = json.dumps({"u": "a", "i": "b", "t": NOW + 86_400_001}).encode()
    assert str(relayed(transform_of(mapping), value)[1]) == "time too far ahead"


def test_csv_records_are_rows_of_named_columns_several_in_one_message_too() -> None:
    event = {
        "user_id": "u",
        "item_id": "item id",
        "kind": {"const": "view"},
        "event_time": {"path": "t", "time": "epoch-s"},
    }
    mapping = {"format": "csv", "columns": ["u", "item id", "t"], "delimiter": "semicolon", "event": event}
    made = transform_of(mapping)
    events, wrong = relayed(made, 'a;"x;1";1759999999\nb;é;1759999999\n'.encode())
    assert (wrong, [event["item_id"] for event in events]) == (None, ["x;1", "é"])
    for value, reason in ((b"a;b", "cut row"), (b"a;b;1;2", "row with too many fields"), (b"\xff;b;1", "not utf-8")):
        assert str(relayed(made, value)[1]) == reason


@pytest.mark.parametrize("delimiter", ["::", '"', "\n"])
def test_a_delimiter_that_records_cannot_have_is_refused(delimiter: str) -> None:
    event = {"user_id": "u", "item_id": "i", "kind": {"const": "view"}}
    with pytest.raises(BadInput, match="delimiter must be one character"):
        transform_of({"format": "csv", "columns": ["u", "i"], "delimiter": delimiter, "event": event})


def test_a_dead_letter_that_no_topic_would_take_names_its_place_and_leaves_the_bytes_where_they_are() -> None:
    small = DeadLetter(Record("t", 1, 2, 3, b"k", b"x"), "malformed", [("trace", b"1")])
    assert fitting(small) == small
    for large in (replace(small.record, value=b"x" * MOST_KEPT), replace(small.record, key=b"k" * MOST_KEPT)):
        letter = fitting(replace(small, record=large))
        assert (letter.record, letter.headers) == (Record("t", 1, 2, 3, None, None), ())
        assert letter.reason.startswith("malformed; its 9,37")
