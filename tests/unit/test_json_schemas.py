"""The JSON Schemas say what the parsers do, wherever JSON Schema can."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import schemas
from core.events.catalogue import parse_item, parse_user
from core.events.parse import parse_event
from core.json.strict_json import Malformed, decode
from schemas.event import Rejected
from schemas.rules import DEFAULT_KINDS, Rules
from tests.kit.hostile import Hostile, encoded, good, hostile
from tests.kit.times import GOOD_TIMES, MISSHAPEN_TIMES

FOLDER = Path(schemas.__file__).parent
TEXTS = {name: json.loads((FOLDER / f"{name}.schema.json").read_text()) for name in ("event", "item", "user")}
REGISTRY: Registry[Any] = Registry().with_resources(
    [(text["$id"], Resource.from_contents(text)) for text in TEXTS.values()]
)
VALID = {name: Draft202012Validator(text, registry=REGISTRY).is_valid for name, text in TEXTS.items()}
BEYOND_SCHEMA = [  # what the schema's description leaves to the parser: calendar, latest time, spelling, overflow
    "event_time '(0000|9999|2024-02-30)",
    f"event_time '?1{'0' * 18}",
    r"event_time 1\d{12}(\.0|e0)?$",
    "event_time (1989-|2025-.*1Z)",
    "value -?(9999|1e999)",
]


@pytest.mark.parametrize("name", TEXTS)
def test_a_schema_is_one_of_2020_12(name: str) -> None:
    Draft202012Validator.check_schema(TEXTS[name])
    assert not VALID[name]([])


def test_the_schemas_kinds_are_the_default_ones() -> None:
    assert TEXTS["event"]["properties"]["kind"]["enum"] == list(DEFAULT_KINDS)


@pytest.mark.parametrize(
    "case", [case for case in hostile() if case.reason not in {"oversize", "malformed"}], ids=lambda c: c.name
)
def test_the_event_schema_judges_a_value_as_the_parser_does(case: Hostile) -> None:
    assert case.value is not None
    accepted = case.reason in {None, "key_mismatch", "misrouted"}  # the last two are not about the value
    beyond = any(re.match(name, case.name) for name in BEYOND_SCHEMA)
    assert VALID["event"](json.loads(case.value, parse_int=_number)) is (accepted or beyond)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < 100 else float(digits)


@pytest.mark.parametrize("field", ["event_id", "event_time", "kind", "user_id", "item_id", "value"])
def test_a_required_field_is_required_and_not_null(field: str) -> None:
    assert not VALID["event"](good(**{field: None}))
    assert not VALID["event"](good(**{field: ...}))


def test_values_are_judged_by_kind() -> None:
    for kind in DEFAULT_KINDS:
        for value in (None, ..., -1, 0, 0.0005, 0.001, 1_000_000, 1_000_001, "1", True):
            members = good(kind=kind, value=value)
            answer = parse_event(Hostile("", b"user-1", encoded(members), None).record(Rules()), Rules())
            assert VALID["event"](members) is not isinstance(answer, Rejected), (kind, value)


def test_times_are_judged_by_their_form() -> None:
    for text, milliseconds in GOOD_TIMES.items():
        assert VALID["event"](good(event_time=text))
        assert VALID["item"]({"item_id": "i", "created_at": text})
        assert VALID["event"](good(event_time=milliseconds)) is (milliseconds >= 631_152_000_000)
    for misshapen in MISSHAPEN_TIMES:
        assert not VALID["event"](good(event_time=misshapen)), misshapen
        assert not VALID["item"]({"item_id": "i", "created_at": misshapen}), misshapen


ENTRIES = [
    b"{}",
    b'{"%s_id": ""}',
    b'{"%s_id": "\\n"}',
    b'{"%s_id": "x", "unknown": [1]}',
    b'{"%s_id": null}',
    b'{"%s_id": 5}',
]
FIELDS = [
    b"title",
    b"category",
    b"categories",
    b"brand",
    b"price",
    b"image",
    b"tags",
    b"created_at",
    b"hidden",
    b"preferences",
    b"attributes",
]
MEMBERS = [
    b"null",
    b"1",
    b"-1",
    b"1.5",
    b"true",
    b'"x"',
    b'""',
    b"[]",
    b'["a"]',
    b"[1]",
    b"{}",
    b'{"categories": 1}',
    b"[null]",
]
MEMBERS += [b'{"categories": ["a"]}', b'{"categories": null}', b'"' + b"x" * 257 + b'"', b'["' + b"x" * 257 + b'"]']


@pytest.mark.parametrize(("name", "parse"), [("item", parse_item), ("user", parse_user)])
def test_the_catalogues_schemas_judge_as_the_parsers_do(name: str, parse: Any) -> None:
    raw = [entry.replace(b"%s", name.encode()) for entry in ENTRIES]
    raw += [b'{"%s_id": "x", "%s": %s}' % (name.encode(), field, member) for field in FIELDS for member in MEMBERS]
    for value in raw:
        assert VALID[name](decode(value)) is not isinstance(parse(b"x", value), Rejected), value
    with pytest.raises(Malformed):
        decode(b"{'x': 1}")
