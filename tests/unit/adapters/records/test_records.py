"""The records of the stores: read by every version's neighbours, and written as one text of all their fields."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from adapters.records.control import Applied
from adapters.records.lease import Sign
from core.control.changes import first_control
from schemas.control import Boundary, Control, Generation, LogIdentity, Position, Run
from schemas.metrics import Gate, Measured
from schemas.records import from_json

LOG = LogIdentity("cluster", "topic", 12)
METRICS = {"events": 3, "rows": {"7": 1}, "seconds": 1.5, "new": [None, {"deep": True}]}
CONTROL = replace(
    first_control(LOG, dict.fromkeys(range(12), 0), "rules"),
    generations=(Generation("g", Boundary(1, {0: 5, 11: 7}), "rules", 9, "said", METRICS),),
    runs=(Run("r", Boundary(2, {0: 6}), "rules", 1, 2, done=("ingest",), metrics=METRICS),),
    dropping=("old",),
    abandoned=("lost",),
)  # fmt: skip
POSITION = Position(3, "w", "me", 1, {0: 5, 11: 7}, 4, 5, (2, 3), "life", "control", LOG)
APPLIED = Applied(1, "w", {"0": 4}, {"0": 2}, LOG, {"items": {"malformed": 1}})
SIGN = Sign("me", "here", 7, 1_000, LOG)
RECORDS = [CONTROL, POSITION, APPLIED, SIGN]
READ: dict[type, Any] = {
    Control: Control.from_json, Position: Position.from_json, Applied: Applied.from_json, Sign: Sign.of,
}  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_is_read_as_it_was_written(record: Any) -> None:
    read = READ[type(record)](record.to_json())
    assert read == record
    assert read.to_json() == record.to_json()


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_the_text_is_that_of_all_versions_sorted_json_of_the_fields_in_ascii(record: Any) -> None:
    fields = asdict(record)
    fields.pop("text", None)
    assert record.to_json() == json.dumps(fields, sort_keys=True).encode()


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_what_a_newer_version_added_is_ignored_wherever_it_stands(record: Any) -> None:
    raw = json.loads(record.to_json())
    newer = {**raw, "added": {"in": "future"}, "log": {**raw["log"], "added": 1}}
    for name in ("generations", "boundaries", "runs"):
        if name in raw:
            newer[name] = [{**entry, "added": 1} for entry in raw[name]]
    assert READ[type(record)](json.dumps(newer).encode()) == record


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Position, '{"version": 1, "writer": "w", "owner": "", "epoch": 0, "offsets": {"0": 1}, "aborted": []}'),
        (Applied, '{"version": 1, "writer": "w", "items": {"0": 1}, "users": {}, "log": null}'),
        (Sign, '{"owner": "me", "host": "here", "pid": 7, "beat": 1}'),
    ],
)
def test_what_an_earlier_version_did_not_write_has_its_default(kind: type, text: str) -> None:
    assert READ[kind](text.encode()).log is None


def test_a_name_of_half_a_surrogate_pair_is_read_and_written() -> None:
    run = replace(CONTROL.runs[0], reason="\udc80")
    assert Control.from_json(replace(CONTROL, runs=(run,)).to_json()).runs == (run,)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"owner": 1, "host": "here", "pid": 7, "beat": 1}'])
def test_a_text_that_is_no_such_record_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(Sign, text)


def test_metrics_are_read_with_their_types_and_kept_as_they_are() -> None:
    metrics = {
        "events": 3,
        "gate": {"passed": False, "reasons": ["small"]},
        "models": {"als": {"factors": 8}},
        "new": 1,
    }
    generation = replace(CONTROL.generations[0], metrics=metrics)
    assert generation.measured == Measured(events=3, gate=Gate(False, ("small",)))
    read = Control.from_json(replace(CONTROL, generations=(generation,)).to_json()).generations[0]
    assert read.metrics == metrics


def test_nothing_is_held_against_a_generation_whose_metrics_say_nothing() -> None:
    assert replace(CONTROL.runs[0], metrics={}).measured == Measured()
    assert Measured().gate.passed
