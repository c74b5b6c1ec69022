"""Records that try to break a parser, each with the reason that the contract gives it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.partitions.partitioner import partition_of
from schemas.event import EARLIEST_EVENT_TIME_MS, LATEST_AHEAD_MS, Record
from schemas.rules import Rules

TIMESTAMP = 1_750_000_000_000  # the Kafka timestamp of the samples, epoch ms
USER = "user-1"


@dataclass(frozen=True)
class Hostile:
    """A record's key and bytes, and the reason it is rejected for; None when it is odd but legal.

    ``astray`` is added to the partition of the key: 0 but for a record in a partition that is not its key's.
    """

    name: str
    key: bytes | None
    value: bytes | None
    reason: str | None
    astray: int = 0

    def record(self, rules: Rules, offset: int = 0, timestamp: int = TIMESTAMP) -> Record:
        """As it would stand in the log."""
        home = partition_of(self.key or b"", rules.partitioner, rules.partitions)
        return Record("events", (home + self.astray) % rules.partitions, offset, timestamp, self.key, self.value)


def good(timestamp: int = TIMESTAMP, /, **changed: Any) -> dict[str, Any]:
    """The members of a good event with every field; ``...`` leaves one out."""
    members = {
        "event_id": "event-1",
        "event_time": timestamp,
        "kind": "rating",
        "user_id": USER,
        "item_id": "item-1",
        "value": 4.5,
        "session_id": "s",
        "device": "phone",
        "referrer": "https://example.org/?q=1",
        "category": "books",
        "source": "als",
        "context": {"page": [1, {"deep": None}]},
        **changed,
    }
    return {name: value for name, value in members.items() if value is not ...}


def rfc_3339(time: int) -> str:
    """The date-time of epoch milliseconds, without a zone."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)).isoformat(timespec="milliseconds")[:-6]


def encoded(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False).encode()


def spliced(members: str, timestamp: int = TIMESTAMP) -> bytes:
    """A good event with raw JSON text after its own members."""
    return encoded(good(timestamp))[:-1] + b", " + members.encode("utf-8", "surrogatepass") + b"}"


def hostile(timestamp: int = TIMESTAMP) -> list[Hostile]:
    """Every case, for records whose Kafka timestamp is ``timestamp`` (epoch ms)."""
    return list(_cases(timestamp, USER.encode()))


def _cases(timestamp: int, key: bytes) -> Iterator[Hostile]:
    for name, value, reason in [*_not_json(timestamp), *_strange_json(timestamp), *_fields(timestamp)]:
        yield Hostile(name, key, value, reason)
    event = encoded(good(timestamp))
    yield Hostile("null value", key, None, "malformed")
    yield Hostile("null key", None, event, "key_mismatch")
    yield Hostile("empty key", b"", event, "key_mismatch")
    yield Hostile("key that is not UTF-8", b"\xff", event, "key_mismatch")
    yield Hostile("another's key", b"user-2", event, "key_mismatch")
    yield Hostile("wrong partition", key, event, "misrouted", astray=1)
    for user_id in ("a/b%2F", " spaced ", "\U0001f600" * 256, "e\u0301", "\u200b\ufeff\ufffe"):
        yield Hostile(f"legal id {user_id[:8]!r}", user_id.encode(), encoded(good(timestamp, user_id=user_id)), None)


def _not_json(timestamp: int) -> Iterator[tuple[str, bytes, str | None]]:
    event = encoded(good(timestamp))
    yield "200 kB of brackets", b"[" * 200_000, "oversize"
    yield "64 KiB of brackets", b"[" * 65_536, "malformed"
    yield "64 KiB of braces", b'{"a":' * 13_107, "malformed"
    yield "64 KiB of escaped quotes", b'"' + b'\\"' * 32_767, "malformed"
    yield "64 KiB exactly", event[:-1] + b" " * (65_536 - len(event)) + b"}", None
    yield "64 KiB and a byte", event[:-1] + b" " * (65_537 - len(event)) + b"}", "oversize"
    for name, value in {
        "empty": b"",
        "blank": b" \n",
        "NUL": b"\0",
        "null": b"null",
        "array": b"[" + event + b"]",
        "string": b'"' + b"x" * 300 + b'"',
        "two objects": event + event,
        "trailing comma": event[:-1] + b",}",
        "cut": event[:-1],
        "BOM": b"\xef\xbb\xbf" + event,
        "UTF-16": event.decode().encode("utf-16"),
        "Latin-1": event.replace(b"books", b"caf\xe9"),
        "bad UTF-8 where nobody looks": event[:-1] + b', "x": ["\xff"]}',
        "overlong UTF-8 in a name": event[:-1] + b', "\xc0\xaf": 1}',
        "comment": event + b"// no",
        "single quotes": event.replace(b'"', b"'"),
        "vertical tab": b"\x0b" + event,
        "no-break space": b"\xc2\xa0" + event,
        "129 levels": spliced('"x": ' + "[" * 128 + "]" * 128, timestamp),
    }.items():
        yield name, value, "malformed"


def _strange_json(timestamp: int) -> Iterator[tuple[str, bytes, str | None]]:
    broken = ["NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "-", "0x1", "1e", "1_0", "\u0661", "nul", "True"]
    broken += [
        r'"\ud800"',
        r'"\udc00"',
        r'"\udc00\ud800"',
        r'"\ud83d\u0041"',
        r'"\ud83d"',
        r'{"\ud800": 1}',
        '"\ud800"',
    ]
    broken += ['"\n"', '"\t"', '"\0"', '"\x1f"', r'"\x41"', r'"\u12"', r'"\u+123"', "[1,]", '{"a"}', "{1: 2}", "[1 2]"]
    for text in broken:
        yield f"unknown field {text!r}", spliced(f'"x": {text}', timestamp), "malformed"
        yield f"in the context {text!r}", spliced(f'"context": {{"x": [{text}]}}', timestamp), "malformed"
    legal = [
        "1e999",
        "-1e999",
        "1E-999",
        "9" * 400,
        "9" * 5000,
        "-0",
        "1" + "0" * 30,
        '"\x7f\u2028"',
        r'"\ud83d\ude00"',
    ]
    legal += [
        "[" * 127 + "]" * 127,
        "[" + "[]," * 500 + "[]]",
        '"' + "[{" * 500 + '"',
        r'"\\ud800"',
        '{"": {}}',
        '"\uffff"',
    ]
    for text in legal:
        yield f"unknown field {text[:20]!r}", spliced(f'"x": {text}', timestamp), None
    for text in ("1e999", "-1e999", "9" * 400, "9" * 5000, "-" + "9" * 5000, "true", '"4.5"', "[]"):
        yield f"value {text[:20]!r}", spliced(f'"value": {text}', timestamp), "invalid:value"
    yield (
        "duplicate name, the last good",
        b'{"event_id": "\\ud83d\\ude00", "value": [],' + encoded(good(timestamp))[1:],
        None,
    )
    yield "duplicate name, the last bad", spliced('"event_id": 5', timestamp), "invalid:event_id"
    yield "duplicate name, the first malformed", b'{"event_id": "\\ud83d",' + encoded(good(timestamp))[1:], "malformed"
    yield "duplicate name, the last null", spliced('"item_id": null', timestamp), "missing:item_id"
    yield "escaped name", encoded(good(timestamp)).replace(b'"kind"', b'"\\u006bind"'), None


def _fields(timestamp: int) -> Iterator[tuple[str, bytes, str | None]]:
    wrong = {
        "event_id": ["", "x" * 129, 1, [], {}, True],
        "user_id": ["", "x" * 257, "a\0", "a\n", "\x7f", "\x85", 1, True, ["a"]],
        "item_id": ["", "\U0001f600" * 257, "a\0b", "\nb", "\x9f", 1.5, {"a": 1}],
        "context": [[], "x", 1, False],
        **{name: ["x" * 257, 1, []] for name in ("session_id", "device", "referrer", "category", "source")},
        "event_time": [
            "",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2024-02-30T00:00:00Z",
            "now",
            True,
            -1,
            10**30,
        ],
    }
    for field, values in wrong.items():
        for value in values:
            yield f"{field} {str(value)[:20]!r}", encoded(good(timestamp, **{field: value})), f"invalid:{field}"
    for text in (f"{timestamp}.0", f"{timestamp}e0", "0", "-0", "9" * 5000):
        yield f"event_time {text[:20]}", spliced(f'"event_time": {text}', timestamp), "invalid:event_time"
    latest = timestamp + LATEST_AHEAD_MS
    for time, accepted in {EARLIEST_EVENT_TIME_MS: True, latest: True, latest + 1: False, -(10**30): False}.items():
        reason = None if accepted else "invalid:event_time"
        yield f"event_time {time}", encoded(good(timestamp, event_time=time)), reason
    for text, accepted in {
        "1990-01-01T00:00:00Z": True,
        "1989-12-31T23:59:59.999999Z": False,
        "1990-01-01T01:00:00+01:00": True,
        rfc_3339(latest) + "9z": True,  # floor: still the last millisecond
        rfc_3339(latest + 1) + "Z": False,
    }.items():
        reason = None if accepted else "invalid:event_time"
        yield f"event_time {text}", encoded(good(timestamp, event_time=text)), reason
    yield (
        "a millisecond before 1990",
        spliced(f'"event_time": {EARLIEST_EVENT_TIME_MS - 1}', timestamp),
        "invalid:event_time",
    )
    for text in ("-0.0", "-0", "0", "-1.5", "1E-400", "1" + "0" * 25):
        members = f'"kind": "purchase", "value": {text}'
        yield f"quantity {text[:20]}", spliced(members, timestamp), None
    yield "kind nobody configured", encoded(good(timestamp, kind="Rating")), "unknown_kind"
    yield "kind with a NUL", encoded(good(timestamp, kind="view\0")), "unknown_kind"
    yield "legal event_id", encoded(good(timestamp, event_id="\0\n" + "\U0001f600" * 126)), None
