"""Takes off what other systems put around a record: Connect's schema, Debezium's changes, Segment's calls."""

from collections.abc import Callable
from typing import Any, NamedTuple

from datasets.fields.acceptance import Dropped, LeftOut

PLAIN, CONNECT, DEBEZIUM, SEGMENT = ENVELOPES = ("plain", "connect", "debezium", "segment")
SKIP, REMOVE = DELETES = ("skip", "remove")  # what becomes of a row that was deleted in its database
TOMBSTONE = "tombstone"
_CHANGES = ("c", "r", "u")  # created, read by a snapshot, updated


class Unwrapped(NamedTuple):
    """A record, when it happened as its envelope says (None: it does not), and Debezium's operation."""

    record: Any
    time: Any = None
    op: str = ""


Unwrap = Callable[[Any], list[Unwrapped]]


def unwrapping(envelope: str, deletes: str) -> Unwrap:
    """Return the function that takes the envelope off a decoded value.

    It raises ``LeftOut`` for what is meant to make no event, and ``Dropped`` for what is no such envelope.
    """
    if envelope == DEBEZIUM:
        return lambda value: [_debezium(_payload(value), deletes)]
    if envelope == SEGMENT:
        return _segment
    if envelope == CONNECT:
        return lambda value: [Unwrapped(_payload(value))]
    return lambda value: [Unwrapped(value)]


def _payload(value: Any) -> Any:
    """Return what Connect's JSON converter wraps, or the value itself where the converter writes no schemas."""
    if isinstance(value, dict) and "payload" in value and value.keys() <= {"schema", "payload"}:
        value = value["payload"]
    if value is None:
        raise LeftOut(TOMBSTONE)
    return value


def _debezium(value: Any, deletes: str) -> Unwrapped:
    if not isinstance(value, dict):
        raise Dropped("no Debezium envelope", repr(value)[:80])
    if "op" not in value:
        return _flattened(value, deletes)
    op = str(value["op"])
    if op not in (*_CHANGES, "d"):
        raise LeftOut(f"Debezium's operation {op}")
    if op == "d" and deletes == SKIP:
        raise LeftOut("deleted row")
    record = value.get("before" if op == "d" else "after")
    if record is None:
        raise Dropped(f"Debezium's operation {op} without its row")
    source = value.get("source")
    time = source.get("ts_ms") if isinstance(source, dict) else None
    return Unwrapped(record, value.get("ts_ms") if time is None else time, op)


def _flattened(value: dict[str, Any], deletes: str) -> Unwrapped:
    """Return a row that Debezium's ``ExtractNewRecordState`` has unwrapped already."""
    if "before" in value or "after" in value:
        raise Dropped("no Debezium envelope", "op is missing")
    deleted = str(value.get("__deleted", "")).lower() == "true" or value.get("__op") == "d"
    if deleted and deletes == SKIP:
        raise LeftOut("deleted row")
    time = value.get("__source_ts_ms", value.get("__ts_ms"))
    return Unwrapped(value, time, "d" if deleted else str(value.get("__op", "")))


def _segment(value: Any) -> list[Unwrapped]:
    """Return the ``track`` calls of one message, which may be a batch."""
    if not isinstance(value, dict):
        raise Dropped("no call of Segment", repr(value)[:80])
    calls = value.get("batch", [value])
    if not isinstance(calls, list):
        raise Dropped("no call of Segment", "batch is no array")
    tracked = [call for call in calls if isinstance(call, dict) and call.get("type", "track") == "track"]
    if not tracked:
        kind = calls[0].get("type") if calls and isinstance(calls[0], dict) else None
        raise LeftOut(f"{kind or 'empty'} call of Segment")
    return [Unwrapped(call, _moment(call)) for call in tracked]


def _moment(call: dict[str, Any]) -> Any:
    return next((call[name] for name in ("timestamp", "originalTimestamp", "sentAt") if call.get(name)), None)
