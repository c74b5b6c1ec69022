"""Acceptance: one good record with one thing broken at a time, and the reason (contract §2)."""

import itertools
import threading
from dataclasses import replace
from typing import Any

import pytest

from core.events.acceptance import weight_of
from core.events.parse import parse_event
from core.partitions.partitioner import partition_of
from schemas.event import REMOVE, Event, Record, Rejected
from schemas.rules import DEFAULT_KINDS, Rules
from tests.kit.hostile import TIMESTAMP, USER, Hostile, encoded, good, hostile

RULES = Rules()
FIELDS = ["event_id", "event_time", "kind", "user_id", "item_id", "value"]
OPTIONAL = ["session_id", "device", "referrer", "category", "source", "context"]


def record(value: bytes | None, user: str = USER) -> Record:
    key = user.encode()
    return Record("events", partition_of(key, RULES.partitioner, RULES.partitions), 7, TIMESTAMP, key, value)


def parsed(**changed: Any) -> Event | Rejected:
    return parse_event(record(encoded(good(**changed))), RULES)


def reason(**changed: Any) -> str | None:
    answer = parsed(**changed)
    return answer.reason if isinstance(answer, Rejected) else None


def test_a_good_record_becomes_its_event() -> None:
    assert parsed() == Event(
        partition=record(b"").partition,
        offset=7,
        timestamp=TIMESTAMP,
        event_id="event-1",
        event_time=TIMESTAMP,
        kind="rating",
        user_id=USER,
        item_id="item-1",
        value=4.5,
        weight=4500,
        category="books",
        device="phone",
        source="als",
        referrer="https://example.org/?q=1",
    )


@pytest.mark.parametrize("case", hostile(), ids=lambda case: case.name)
def test_a_hostile_record_gets_its_reason(case: Hostile) -> None:
    answer = parse_event(case.record(RULES), RULES)
    assert (answer.reason if isinstance(answer, Rejected) else None) == case.reason


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("absent", [None, ...])
def test_a_required_field_that_is_null_or_left_out_is_missing(field: str, absent: Any) -> None:
    assert reason(**{field: absent}) == f"missing:{field}"


@pytest.mark.parametrize("field", OPTIONAL)
def test_an_optional_field_may_be_null_or_left_out_but_not_wrong(field: str) -> None:
    assert reason(**{field: None}) is None
    assert reason(**{field: ...}) is None
    assert reason(**{field: 1}) == f"invalid:{field}"


def test_value_is_optional_where_the_weight_is_not_the_value() -> None:
    for kind in DEFAULT_KINDS.keys() - {"rating"}:
        assert reason(kind=kind, value=...) is None
        assert reason(kind=kind, value=-3) is None
        assert reason(kind=kind, value=0) is None
        assert reason(kind=kind, value=True) == "invalid:value"


@pytest.mark.parametrize("value", [0.001, 1, 1.0, 1_000_000, 999_999.9996])
def test_a_rating_in_range_is_accepted(value: float) -> None:
    assert reason(value=value) is None


@pytest.mark.parametrize("value", [0, 0.000999, -1, 1_000_000.001, 1_000_001, True, False, "5", [5]])
def test_a_rating_out_of_range_is_invalid(value: object) -> None:
    assert reason(value=value) == "invalid:value"


@pytest.mark.parametrize(("field", "longest"), [("event_id", 128), ("user_id", 256), ("item_id", 256)])
@pytest.mark.parametrize("character", ["x", "é", "\u4e2d", "\U0001f600", " "])
def test_an_id_has_one_character_to_its_limit_counted_in_code_points(field: str, longest: int, character: str) -> None:
    for length, accepted in {0: False, 1: True, longest: True, longest + 1: False}.items():
        members = good(**{field: character * length})
        answer = parse_event(record(encoded(members), user=members["user_id"]), RULES)
        assert isinstance(answer, Event) if accepted else answer == Rejected(f"invalid:{field}"), length


@pytest.mark.parametrize("field", ["session_id", "device", "referrer", "category", "source"])
def test_an_optional_string_has_up_to_256_characters(field: str) -> None:
    assert reason(**{field: ""}) is None
    assert reason(**{field: "\U0001f600" * 256}) is None
    assert reason(**{field: "\U0001f600" * 257}) == f"invalid:{field}"
    assert reason(**{field: "\0\n\x85"}) is None


def test_control_characters_are_category_cc_and_no_others() -> None:
    for code in (*range(0x20), *range(0x7F, 0xA0)):
        assert reason(item_id=f"a{chr(code)}b") == "invalid:item_id", hex(code)
    for code in (0x20, 0x7E, 0xA0, 0xAD, 0x200B, 0x2028, 0xE000, 0xFEFF, 0xFFFF, 0x10FFFF):
        assert reason(item_id=chr(code)) is None, hex(code)


# One way to break each rule, in the order in which the reasons count.
BREAKAGES: list[tuple[str, dict[str, Any]]] = [
    ("invalid:event_id", {"event_id": ""}),
    ("invalid:event_time", {"event_time": 0}),
    ("unknown_kind", {"kind": "no such"}),
    ("invalid:user_id", {"user_id": "\n"}),
    ("missing:item_id", {"item_id": None}),
    ("invalid:value", {"value": "x"}),
    ("invalid:session_id", {"session_id": 1}),
    ("invalid:device", {"device": 1}),
    ("invalid:referrer", {"referrer": 1}),
    ("invalid:category", {"category": 1}),
    ("invalid:source", {"source": 1}),
    ("invalid:context", {"context": 1}),
]


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(BREAKAGES, 2)))
def test_the_first_reason_in_table_order_counts(first: tuple[str, Any], second: tuple[str, Any]) -> None:
    assert reason(**second[1], **first[1]) == first[0]


def test_places_count_last_and_the_key_before_the_partition() -> None:
    home = record(encoded(good()))
    astray = replace(home, partition=home.partition + 1)
    assert parse_event(astray, RULES) == Rejected("misrouted")
    assert parse_event(replace(astray, key=b"other"), RULES) == Rejected("key_mismatch")
    assert parse_event(replace(astray, key=None, value=encoded(good(context=1))), RULES) == Rejected("invalid:context")


def test_oversize_counts_before_malformed_and_malformed_before_fields() -> None:
    assert parse_event(record(b"\xff" * 65_537), RULES) == Rejected("oversize")
    assert parse_event(record(encoded(good(event_id=""))[:-1]), RULES) == Rejected("malformed")


def test_a_broken_kind_hides_a_value_that_its_weight_would_refuse() -> None:
    assert reason(kind=5, value="x") == "invalid:kind"
    assert reason(kind="", value="x") == "unknown_kind"


def test_the_configured_kinds_and_partitioner_decide() -> None:
    rules = Rules(kinds={"play": 0.25, "stars": "value", "undo": "remove"}, partitioner="crc32", partitions=7)
    for kind, value, weight in (("play", 3, 250), ("stars", 0.0025, 2), ("stars", 0.0035, 4), ("undo", None, REMOVE)):
        home = partition_of(USER.encode(), "crc32", 7)
        given = Record("events", home, 0, TIMESTAMP, USER.encode(), encoded(good(kind=kind, value=value)))
        answer = parse_event(given, rules)
        assert isinstance(answer, Event)
        assert answer.weight == weight


@pytest.mark.parametrize(
    ("kind_weight", "value", "thousandths"),
    [(0, None, 0), (5, None, 5000), (0.0005, None, 0), (0.0015, None, 2), ("value", 0.001, 1), ("value", 1e6, 10**9)],
)
def test_a_weight_is_whole_thousandths_with_ties_to_even(
    kind_weight: float | str, value: float | None, thousandths: int
) -> None:
    assert weight_of(kind_weight, value) == thousandths


def test_negative_zero_is_zero_and_a_long_integer_is_a_double() -> None:
    for text, value in (
        ("-0", 0.0),
        ("-0.0", 0.0),
        ("1" + "0" * 25, 1e25),
        ("123456789012345678901", 123456789012345678901.0),
    ):
        raw = encoded(good(kind="purchase", value=...))[:-1] + f', "value": {text}}}'.encode()
        answer = parse_event(record(raw), RULES)
        assert isinstance(answer, Event)
        assert repr(answer.value) == repr(value)


def test_the_callers_stack_does_not_decide() -> None:
    deep = encoded(good())[:-1] + b', "x": ' + b"[" * 127 + b"]" * 127 + b"}"
    answers: set[str] = set()

    def at_depth(left: int) -> None:
        if left:
            return at_depth(left - 1)
        answers.add(type(parse_event(record(deep), RULES)).__name__)
        return None

    def climb() -> None:
        for depth in range(700, 965, 5):
            at_depth(depth)

    thread = threading.Thread(target=climb)  # a stack of its own, whatever pytest's is
    thread.start()
    thread.join()
    assert answers == {"Event"}
