"""Events that are made by columns are those which the engine makes one by one."""

from operator import itemgetter
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events.acceptance import parse_event
from datasets.fields.acceptance import Dropped, ImportOptions
from datasets.files.tally import Tally
from datasets.mapping.batches import Batch, Names, flattened
from datasets.mapping.by_columns import ByColumns, written
from datasets.mapping.document import parsed
from datasets.mapping.engine import Engine
from schemas.event import MAX_VALUE_BYTES, Event, Record
from schemas.rules import Rules

TIME = 1_760_000_000_000
NAMES = ("event_id", "user_id", "item_id", "event_time", "kind", "category", "value", "more", "context")
TEXTS = [
    "NULL", "nan", " a", "a ", '"a"', '"', "", " ", "\u200ba", "a\u00a0", "\x00", "a\nb", "ü", "a/b", "x" * 257,
    "x" * 129, "\ud800", "5", "-5", "1,5", "1e999", "0.0004", "2025-10-09T08:53:20Z", "20251009", "1_0", "９",
]  # fmt: skip
OTHERS = [
    None, None, True, False, 0, 1, -5, 7.0, 2.5, 2**53, 2**70, float("nan"), float("inf"), [], {}, ["a"], {"b": "x"},
    {"b": 7},
]  # fmt: skip
TIMES = [
    TIME,
    TIME // 1_000,
    str(TIME),
    f" {TIME} ",
    "2025-10-09 08:53:20+0200",
    "2025-10-09",
    "2025-10-09 08:53:20.1234",
]
KINDS = ["view", "rating", "purchase", "x", " view", "", "BUY", "SCROLL", 1, True, None, []]


def some_record(chance: Random) -> dict[str, Any]:
    """A record whose fields are plain or odd, mostly plain; now and then one is missing."""
    oddness = chance.choice([0.0, 0.1, 0.5])

    def one(plain: list[Any], odd: list[Any]) -> Any:
        return chance.choice(odd if chance.random() < oddness else plain)

    record = {name: one(["a", "b", "c"], TEXTS + OTHERS) for name in NAMES}
    record |= {"value": one([1, 2.5, "3"], TEXTS + OTHERS), "context": one([None, {"b": 1}], TEXTS + OTHERS)}
    record |= {"event_time": one([TIME], TIMES + TEXTS + OTHERS), "kind": one(["view", "BUY", "rating"], KINDS)}
    return {name: value for name, value in record.items() if chance.random() > oddness / 10}


PATHS = {name: name for name in NAMES}
WORDS = {"path": "kind", "words": {"BUY": "purchase", "SCROLL": "", "1": "like"}}
EVENTS: list[dict[str, Any]] = [
    PATHS,
    {**PATHS, "kind": WORDS, "category": "category.b", "item_id": {"first": ["item_id", "more"]}},
    {**PATHS, "event_time": {"path": "event_time", "time": "epoch-s"}, "kind": {"const": "rating"}},
    {**PATHS, "event_time": {"path": "event_time", "time": "iso", "timezone": "Europe/Berlin"}, "session_id": "more"},
    {name: given for name, given in PATHS.items() if name != "event_id"} | {"user_id": {"join": ["user_id", "more"]}},
    {**PATHS, "user_id": {"path": "user_id", "lower": True}, "more": {"path": "more", "time": "iso"}},
]
DROPS: list[list[dict[str, Any]]] = [
    [], [{"path": "category", "is_in": ["a", "5"]}, {"path": "more", "missing": True, "reason": "no more"}],
]  # fmt: skip


def engine(document: dict[str, Any], keep_blanks: bool = False) -> Engine:
    options = ImportOptions(latest_ms=TIME, keep_blanks=keep_blanks)
    return Engine(parsed(document, "m"), options, Tally(), flat=document.get("format") == "csv")


def one_by_one(made: Engine, batch: Batch) -> list[Any]:
    outcomes: list[Any] = []
    for record, event_id in zip(batch.records, batch.ids, strict=True):
        try:
            outcomes.append(written(made.event(record, record, {}, event_id)))
        except Dropped as dropped:
            outcomes.append((type(dropped), str(dropped), dropped.example))
    return outcomes


@given(st.integers(0, 2**32), st.sampled_from(EVENTS), st.sampled_from(DROPS), st.booleans(), st.booleans())
def test_events_made_by_columns_are_those_which_are_made_one_by_one(
    seed: int, event: dict[str, Any], drop: list[Any], is_flat: bool, keep_blanks: bool
) -> None:
    document = {"event": event, "drop": drop, "format": "csv" if is_flat else "json"}
    quick, slow = engine(document, keep_blanks), engine(document, keep_blanks)
    by_columns, chance = ByColumns(quick), Random(seed)
    for count in (0, 1, 5, 20):
        records = [some_record(chance) for _ in range(count)]
        batch = Batch(records, records, [f"id-{place}" for place in range(len(records))])
        made = by_columns.made(batch)
        rows = [*zip(made.places, zip(*made[1:6], strict=True), strict=True)]
        rows += [(place, (type(why), str(why), why.example)) for place, why in made.dropped]
        assert [repr(row) for _, row in sorted(rows, key=itemgetter(0))] == list(map(repr, one_by_one(slow, batch)))
        assert all(map(is_accepted, zip(*made[1:6], strict=True)))
    assert quick.tally.notes == slow.tally.notes


def is_accepted(row: tuple[int, str, bytes, str, str]) -> bool:
    time, user, text, item, _ = row
    event = parse_event(Record("events", 0, 0, TIME, user.encode(), text), Rules(partitions=1))
    return isinstance(event, Event) and (event.event_time, event.item_id) == (time, item)


def record(**fields: Any) -> dict[str, Any]:
    return {"u": "a", "i": "b", "t": TIME, **fields}


MAPPING = {"user_id": "u", "item_id": "i", "kind": {"const": "view"}, "event_time": "t", "note": "note"}


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"note": "x" * MAX_VALUE_BYTES}, "oversize"),
        ({"note": "\ud800"}, "a field cannot be written as JSON"),
        ({"u": None}, "no user_id"),
        ({"t": "soon"}, "unreadable time"),
    ],
)
def test_one_entry_that_is_none_costs_no_other(odd: dict[str, Any], reason: str) -> None:
    records = [record(i="x"), record(**odd), record(i="y")]
    made = ByColumns(engine({"event": MAPPING})).made(Batch(records, records, ["1", "2", "3"]))
    assert (list(made.places), list(made.items), list(made.ids)) == ([0, 2], ["x", "y"], ["1", "3"])
    assert [(place, str(why)) for place, why in made.dropped] == [(1, reason)]


def test_numbers_are_ids_and_an_empty_category_is_none() -> None:
    records = [record(u=7, i=12.0, c=""), record(u="7", i="12", c=3)]
    made = ByColumns(engine({"event": {**MAPPING, "category": "c"}})).made(Batch(records, records, ["1", "2"]))
    rows = [msgspec.json.decode(text) for text in made.texts]
    assert [(row["user_id"], row["item_id"], row.get("category")) for row in rows] == [
        ("7", "12", None),
        ("7", "12", "3"),
    ]


def test_of_an_array_of_changes_one_that_is_left_out_leaves_the_others() -> None:
    change = {"op": "c", "after": record(), "ts_ms": TIME}
    made = engine({"event": {**MAPPING, "event_time": "$time"}, "envelope": "debezium"})
    values = [[change, {**change, "op": "d"}, "x", change]]
    flat = flattened(made, values, Names(["0/0"], lambda place, index: f"{place}/{index}"), None)
    assert [(place, str(reason)) for place, reason in flat.failures] == [
        (0, "deleted row"),
        (0, "no Debezium envelope"),
    ]
    assert (list(flat.batch.ids), list(flat.owners)) == (["0/0", "0/1"], [0, 0])
