"""One engine makes events of records of any shape: paths, expressions, arrays, envelopes, reasons."""

from typing import Any

import pytest

from datasets.fields.acceptance import Dropped, ImportOptions, LeftOut
from datasets.files.tally import Tally
from datasets.mapping.document import parsed, text_mapping
from datasets.mapping.engine import Engine
from datasets.mapping.paths import Entry, parse_path, reader
from datasets.mapping.written import toml_text
from schemas.errors import BadInput

TIME = 1_760_000_000_000
PLAIN = {"user_id": "u", "item_id": "i", "kind": {"const": "view"}, "event_time": "t"}


def engine(event: dict[str, Any], flat: bool = False, **parts: Any) -> Engine:
    return Engine(parsed({"event": event, **parts}, "m"), ImportOptions(), Tally(), flat)


def events(made: Engine, value: Any) -> list[dict[str, Any]]:
    """The events of a decoded value, ids by the place of each in it."""
    return [
        made.event(unwrapped.record, entry, {"time": unwrapped.time, "op": unwrapped.op}, f"e{place}", unwrapped.op)
        for wrapped in made.inner(value)
        for unwrapped in made.unwrap(wrapped)
        for place, entry in enumerate(made.entries(unwrapped.record))
    ]


def one(given: Any, value: dict[str, Any], field: str = "category") -> Any:
    """What an expression makes of a record."""
    record = {"u": "a", "i": "b", "t": TIME, **value}
    return events(engine({**PLAIN, field: given}), record)[0].get(field)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", ("a",)), ("a.b", ("a", "b")), ("a[0].b", ("a", 0, "b")), ("a[-1]", ("a", -1)),
        ("p[key=page].value", ("p", Entry("key", "page"), "value")), ('"a.b".c', ("a.b", "c")), ("", ()),
        ("Customer ID", ("Customer ID",)),
    ],
)  # fmt: skip
def test_a_path_is_names_places_and_selected_entries(text: str, steps: tuple[Any, ...]) -> None:
    assert parse_path(text) == steps


@pytest.mark.parametrize("text", ["a..b", "a[", "a[x]", ".a", "a]b", "a[0]b"])
def test_what_is_no_path_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(BadInput, match="is no path at"):
        parse_path(text)


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"a": None}, {"a": {"b": []}}, {"a": {"b": [{}]}}])
def test_a_path_that_leads_nowhere_reads_nothing(value: Any) -> None:
    assert reader(parse_path("a.b[0].c"))(value) is None
    assert reader(parse_path("a.b[k=v].c"))(value) is None


@pytest.mark.parametrize(
    ("given", "value", "expected"),
    [
        ("c", {"c": "shoes"}, "shoes"),
        ("a.c", {"a.c": "whole names win", "a": {"c": "x"}}, "whole names win"),
        ({"const": "x"}, {}, "x"),
        ({"first": ["c", "d"]}, {"c": " ", "d": "y"}, "y"),
        ({"first": ["c", "d"]}, {"c": "NULL", "d": 0}, "0"),
        ({"join": ["c", "d"], "by": "/"}, {"c": "x", "d": 7}, "x/7"),
        ({"join": ["c", "d"]}, {"c": "x"}, None),
        ({"path": "c", "strip": "gid://shop/"}, {"c": "gid://shop/7"}, "7"),
        ({"path": "c", "strip_end": ".0"}, {"c": "7.0"}, "7"),
        ({"path": "c", "split": "-", "take": -1}, {"c": "N1-0-1"}, "1"),
        ({"path": "c", "split": "-", "take": 5}, {"c": "N1"}, None),
        ({"path": "c", "lower": True}, {"c": "Ann@Example.test"}, "ann@example.test"),
        ({"path": "c", "cut": 3}, {"c": "abcdef"}, "abc"),
        ({"path": "c", "empty": ["0"]}, {"c": 0}, None),
        ({"path": "c", "words": {"1": "one"}}, {"c": 1}, "one"),
        ({"path": "c", "words": {"1": "one"}, "otherwise": "many"}, {"c": 2}, "many"),
        ({"path": "c", "whole": True}, {"c": "17850.0"}, "17850"),
        ("c", {"c": 12.0}, "12"),
    ],
)  # fmt: skip
def test_an_expression_reads_a_value_and_changes_it(given: Any, value: dict[str, Any], expected: Any) -> None:
    assert one(given, value) == expected


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"path": "a", "const": 1}, "needs one of"),
        ({"pth": "a"}, "unknown part 'pth': did you mean path"),
        ({"path": "a", "eval": "1"}, "unknown part 'eval'"),
        ({"path": "$nothing"}, "is unknown"),
        ({"first": []}, "take a list"),
        (7, "must be a path or a table"),
        ({"path": "a", "cut": "x"}, "cut must be a whole number, not 'x'"),
        ({"path": "a", "split": ""}, "split must be a text"),
        ({"path": "a", "split": "-", "take": 1.5}, "take must be a whole number"),
        ({"path": "a", "words": [1]}, "words must be a table of texts"),
        ({"path": "a", "words": {"x": 5}}, "words must be a table of texts"),
        ({"path": "a", "empty": "0"}, "empty must be a list"),
        ({"path": "a", "time": 5}, "time must be a text"),
        ({"path": "a", "time": "iso", "timezone": 5}, "timezone must be a text"),
        ({"join": ["a"], "by": 5}, "by must be a text"),
        ({"path": 7}, "a path is a text"),
    ],
)
def test_an_expression_that_is_none_is_refused_with_its_field(given: Any, problem: str) -> None:
    with pytest.raises(BadInput, match=f"category.*{problem}"):
        engine({**PLAIN, "category": given})


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, "needs user_id"),
        ({"event": PLAIN, "evnt": {}}, "'evnt' is no part of a mapping: did you mean event"),
        ({"event": PLAIN, "format": "xml"}, "format must be one of"),
        ({"event": PLAIN, "columns": [1]}, "columns must be a list of texts"),
        ({"event": PLAIN, "header": "no"}, "header must be true or false"),
        ({"event": PLAIN, "drop": [{"path": "a"}]}, "needs one of is_in"),
        ({"event": PLAIN, "drop": [{"path": "a", "is_in": "x"}]}, "takes a list"),
        ({"event": PLAIN, "catalogue": {"item_id": "x"}}, "catalogue"),
        ({"event": PLAIN, "lookup": {"on": "x"}}, "lookup"),
        ([], "a mapping is a table"),
        ({"event": PLAIN, "quoting": "double"}, "quoting must be one of"),
        ({"event": PLAIN, "decimal": ";"}, "decimal must be one of"),
        ({"event": PLAIN, "encoding": "utf-9"}, "is no encoding"),
        ({"event": PLAIN, "rename": {"a": 5}}, "rename must be a table of texts"),
    ],
)
def test_a_document_that_is_no_mapping_is_refused_by_its_part(document: Any, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        parsed(document, "m")


@pytest.mark.parametrize("kind", [{"const": "buy"}, {"path": "k", "words": {"b": 7}}, {"path": "k", "words": 5}])
def test_a_kind_that_no_event_can_have_is_refused_before_the_first_record(kind: Any) -> None:
    with pytest.raises(BadInput, match="kind: "):
        engine({**PLAIN, "kind": kind})


def test_a_date_to_count_days_from_is_read_with_the_mapping() -> None:
    with pytest.raises(BadInput, match="since must be a date"):
        engine({**PLAIN, "event_time": {"path": "t", "time": "iso", "since": "soon"}})


@pytest.mark.parametrize("field", ["user_id", "item_id", "kind", "note"])
def test_a_field_that_should_be_a_time_and_is_none_is_a_reason(field: str) -> None:
    with pytest.raises(Dropped, match=f"{field} is no time"):
        events(engine({**PLAIN, field: {"path": "c", "time": "iso"}}), {"u": "a", "i": "b", "t": TIME, "c": "soon"})


def test_a_mapping_that_was_written_is_the_same_when_read() -> None:
    document = {
        "format": "csv", "delimiter": "tab", "header": False, "fill_down": ["E mail"],
        "event": {**PLAIN, "kind": {"path": "k \"x\"", "words": {"add to cart": "cart", "\x7f": ""}}},
        "drop": [{"path": "s", "is_in": ["a"], "reason": "ä"}],
    }  # fmt: skip
    assert text_mapping(toml_text(document, "a\nb"), "m") == parsed(document, "m")


def test_each_entry_of_an_array_is_an_event_and_sees_its_record() -> None:
    event = {**PLAIN, "item_id": "@.sku", "value": "@.n"}
    made = engine({**event, "kind": {"const": "purchase"}}, each="order.lines")
    lines = [{"sku": 7, "n": "2"}, {"sku": "B"}]
    made_events = events(made, {"u": "a", "t": TIME, "order": {"lines": lines}})
    rows = [(event["event_id"], event["user_id"], event["item_id"], event.get("value")) for event in made_events]
    assert rows == [("e0", "a", "7", 2), ("e1", "a", "B", None)]


def test_without_its_array_the_object_that_would_hold_it_is_the_one_entry() -> None:
    made = engine({**PLAIN, "item_id": "@.sku"}, each="order.lines")
    assert [event["item_id"] for event in events(made, {"u": "a", "t": TIME, "order": {"sku": "B"}})] == ["B"]
    assert events(made, {"u": "a", "t": TIME, "order": {"lines": []}}) == []


def test_a_message_may_hold_an_array_of_records() -> None:
    made = engine(PLAIN, records="data")
    rows = [{"u": name, "i": "x", "t": TIME} for name in "ab"]
    assert [event["user_id"] for event in events(made, {"data": rows})] == ["a", "b"]


@pytest.mark.parametrize(
    ("condition", "left_out"),
    [
        ({"is_in": ["draft"]}, ["draft"]),
        ({"not_in": ["draft"]}, ["paid", ""]),
        ({"starts": "dr"}, ["draft"]),
        ({"missing": True}, [""]),
        ({"missing": False}, ["draft", "paid"]),
    ],
)
def test_a_rule_leaves_records_out_with_its_reason(condition: dict[str, Any], left_out: list[str]) -> None:
    made = engine(PLAIN, drop=[{"path": "s", **condition, "reason": "not wanted"}])
    for status in ("draft", "paid", ""):
        record = {"u": "a", "i": "x", "t": TIME, "s": status or None}
        if status in left_out:
            with pytest.raises(LeftOut, match="not wanted"):
                events(made, record)
        else:
            assert len(events(made, record)) == 1


def test_a_word_without_a_kind_is_an_error_and_one_that_stands_for_none_is_left_out() -> None:
    kind = {"path": "k", "words": {"BUY": "purchase", "SCROLL": ""}}
    made = engine({**PLAIN, "kind": kind})
    record = {"u": "a", "i": "x", "t": TIME}
    assert events(made, {**record, "k": " BUY "})[0]["kind"] == "purchase"
    assert events(made, {**record, "k": "view"})[0]["kind"] == "view"
    with pytest.raises(Dropped, match="no kind for 'BY'") as dropped:
        events(made, {**record, "k": "BY"})
    assert not isinstance(dropped.value, LeftOut)
    with pytest.raises(LeftOut, match="'SCROLL' left out"):
        events(made, {**record, "k": "SCROLL"})
    with pytest.raises(LeftOut, match="'BY' left out"):
        events(engine({**PLAIN, "kind": {**kind, "otherwise": ""}}), {**record, "k": "BY"})


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("u", None, "no user_id"), ("u", "", "no user_id"), ("u", True, "user_id is no text"),
        ("u", {"id": 1}, "user_id is no text"), ("u", 1.5, "user_id is no text"), ("i", "x" * 257, "item_id longer"),
        ("i", "a\x00b", "control character"), ("t", None, "no event_time"),
        ("t", " ", "no event_time"), ("t", "soon", "unreadable time"),
        ("t", True, "unreadable time"), ("t", TIME // 1000, "time before 1990, right as --time-format epoch-s"),
        ("t", [TIME], "unreadable time"),
    ],
)  # fmt: skip
def test_one_field_that_is_broken_is_the_reason(field: str, value: Any, reason: str) -> None:
    made = engine({**PLAIN, "event_time": {"path": "t", "time": "epoch-ms"}})
    with pytest.raises(Dropped, match=reason):
        events(made, {"u": "a", "i": "x", "t": TIME, field: value})


CHANGE = {"before": {"u": "old", "i": "x"}, "after": {"u": "a", "i": "x"}, "source": {"ts_ms": TIME}, "ts_ms": TIME + 9}


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"schema": {}, "payload": value}])
@pytest.mark.parametrize("op", ["c", "r", "u"])
def test_debeziums_changes_are_their_new_rows_at_the_databases_time(op: str, wrap: Any) -> None:
    event = {name: given for name, given in PLAIN.items() if name != "event_time"}
    [made] = events(engine(event, envelope="debezium"), wrap({**CHANGE, "op": op}))
    assert (made["user_id"], made["event_time"]) == ("a", TIME)
    [without] = events(engine(event, envelope="debezium"), wrap({**CHANGE, "op": op, "source": {}}))
    assert without["event_time"] == TIME + 9


def test_a_deleted_row_is_skipped_or_removes_its_item() -> None:
    event = {name: given for name, given in PLAIN.items() if name != "event_time"}
    deleted = {**CHANGE, "op": "d", "after": None}
    with pytest.raises(LeftOut, match="deleted row"):
        events(engine(event, envelope="debezium"), deleted)
    [made] = events(engine(event, envelope="debezium", deletes="remove"), deleted)
    assert (made["kind"], made["user_id"]) == ("remove", "old")


@pytest.mark.parametrize(
    ("value", "reason", "is_error"),
    [
        ({"op": "t"}, "operation t", False), ({"op": "c", "after": None}, "operation c without its row", True),
        ({"schema": {}, "payload": None}, "tombstone", False), ("x", "no Debezium envelope", True),
        ({"before": None, "after": {}}, "no Debezium envelope", True),
        ({"__deleted": "true", "u": "a"}, "deleted row", False),
    ],
)  # fmt: skip
def test_what_is_no_change_of_a_row_is_counted_by_its_reason(value: Any, reason: str, is_error: bool) -> None:
    with pytest.raises(Dropped, match=reason) as dropped:
        events(engine(PLAIN, envelope="debezium"), value)
    assert isinstance(dropped.value, LeftOut) != is_error


def test_a_row_that_debezium_unwrapped_is_taken_as_it_is() -> None:
    assert events(engine(PLAIN, envelope="debezium"), {"u": "a", "i": "x", "t": TIME, "__deleted": "false"})


def test_a_batch_of_segments_calls_is_its_track_calls() -> None:
    event = {**PLAIN, "user_id": "userId", "item_id": "properties.id", "event_time": "$time"}
    call = {"type": "track", "userId": "a", "properties": {"id": 1}, "timestamp": "2025-10-09T08:53:20Z"}
    made = engine(event, envelope="segment")
    assert [row["item_id"] for row in events(made, {"batch": [call, {"type": "identify"}, call]})] == ["1", "1"]
    with pytest.raises(LeftOut, match="page call"):
        events(made, {"type": "page"})
