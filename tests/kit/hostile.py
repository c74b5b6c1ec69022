"""Records that try to break a parser, each with the reason that the contract gives it."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.events.partitioner import partition_of
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


def hostile_at_random(seed: int, count: int, timestamp: int = TIMESTAMP) -> list[Hostile]:
    """Cases that no list has thought of, each broken in one way, so that its reason is known; some are legal."""
    rng = random.Random(seed)
    return [rng.choice(_WAYS)(rng, timestamp, f"{seed}-{number}") for number in range(count)]


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


# From here on: one random case of each kind. ``name`` is unique, and the id of its event.


def _brackets(rng: random.Random, timestamp: int, name: str) -> Hostile:
    unit = rng.choice([b"[", b"{", b'{"a":', b'[{"x":[', b'"\\'])
    value = unit * rng.randrange(1, rng.choice([10, 1_000, 200_000]) // len(unit) + 2)
    return Hostile(name, USER.encode(), value, "oversize" if len(value) > 65_536 else "malformed")


def _no_number(rng: random.Random, timestamp: int, name: str) -> Hostile:
    number = rng.choice(
        ["NaN", "-NaN", "Infinity", "-Infinity", "1e", "0x7f", "1_000", "00", "+5", ".5", "5.", "\u0663"]
    )
    where = rng.choice(['"value": {}', '"x": {}', '"context": {{"deep": [[{}]]}}', '"event_time": {}'])
    return _spliced(name, where.format(number), timestamp, "malformed")


def _huge_number(rng: random.Random, timestamp: int, name: str) -> Hostile:
    digits = rng.choice("123456789") + "".join(rng.choices("0123456789", k=rng.choice([400, 4_000, 40_000])))
    number = rng.choice(["{}", "-{}", "{}.5", "{}e5", "{}E+999"]).format(digits)
    if rng.random() < 0.5:
        return _spliced(name, f'"value": {rng.choice([number, "1e999", "-1e400"])}', timestamp, "invalid:value")
    return _spliced(name, f'"x": [{number}, 1e999, 1e-999]', timestamp, None)


def _surrogate(rng: random.Random, timestamp: int, name: str) -> Hostile:
    lone = f"\\u{rng.choice([rng.randrange(0xD800, 0xDC00), rng.randrange(0xDC00, 0xE000)]):04x}"
    text = json.dumps("".join(rng.choices("ab \u00e9", k=rng.randrange(5))))[:-1] + lone + rng.choice(["", "x", "\\n"])
    where = rng.choice(['"item_id": {}"', '"x": {}"', '{}": 1', '"context": {{"a": [{}"]}}', '"category": {}"'])
    return _spliced(name, where.format(text), timestamp, "malformed")


def _control_in_an_id(rng: random.Random, timestamp: int, name: str) -> Hostile:
    field = rng.choice(["user_id", "item_id"])
    control = chr(rng.choice([0, 9, 10, 13, 0x1F, 0x7F, 0x85, rng.randrange(0x20), rng.randrange(0x7F, 0xA0)]))
    text = "".join(rng.choices("id-%/\u00fc\U0001f600", k=rng.randrange(200)))
    at = rng.randrange(len(text) + 1)
    given = text[:at] + control + text[at:]
    key = given if field == "user_id" else USER
    return Hostile(name, key.encode(), _event(name, timestamp, **{field: given}), f"invalid:{field}")


def _moment(rng: random.Random, timestamp: int, name: str) -> Hostile:
    year = rng.choice([0, 1, 1970, 1989, 9999, rng.randrange(1_990)])
    text = f"{year:04d}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T12:00:00Z"
    ahead = timestamp + LATEST_AHEAD_MS + rng.randrange(1, 10**12)
    before = EARLIEST_EVENT_TIME_MS - rng.randrange(1, 10**15)
    wrong = [text, text.replace("T", " "), text[:-1], "2024-13-01T00:00:00Z", "2024-06-01T24:00:00Z", ahead, before]
    return _broken(name, "event_time", rng.choice(wrong), timestamp)


def _type(rng: random.Random, timestamp: int, name: str) -> Hostile:
    texts = ["event_id", "user_id", "item_id", "session_id", "device", "referrer", "category", "source"]
    field = rng.choice([*texts, "value", "event_time", "context"])
    wrong: list[Any] = [True, [], [1], ["x"], 10**30]
    wrong += {"value": ["5", {}], "event_time": [{}, 1.5], "context": ["x", 7]}.get(field, [{}, {"a": 1}, 0, -1.5])
    return _broken(name, field, rng.choice(wrong), timestamp)


def _missing(rng: random.Random, timestamp: int, name: str) -> Hostile:
    field = rng.choice(["event_id", "event_time", "kind", "user_id", "item_id", "value"])
    return _broken(name, field, rng.choice([..., None]), timestamp, "missing")


def _kind(rng: random.Random, timestamp: int, name: str) -> Hostile:
    kind = rng.choice(["View", "view ", "gaze", "", "\0", "rating\n", "x" * rng.randrange(9, 5_000)])
    return Hostile(name, USER.encode(), _event(name, timestamp, kind=kind), "unknown_kind")


def _twice(rng: random.Random, timestamp: int, name: str) -> Hostile:
    field, bad, reason = rng.choice(
        [("item_id", '""', "invalid:item_id"), ("value", "1e999", "invalid:value"), ("kind", '"x"', "unknown_kind")]
    )
    again = f'"{field}": {bad}, ' * rng.randrange(1, 50)
    if rng.random() < 0.5:  # the last counts, and that is the good one
        return Hostile(name, USER.encode(), b"{" + again.encode() + _event(name, timestamp)[1:], None)
    return _spliced(name, again.removesuffix(", "), timestamp, reason)


def _bytes(rng: random.Random, timestamp: int, name: str) -> Hostile:
    event = _event(name, timestamp)
    at = rng.randrange(1, len(event) - 1)
    broken = [
        event[:at],
        event[at:],
        event[:at] + bytes([rng.choice([0xC0, 0xFE, 0xFF])]) + event[at:],
        event[:at] + b"\0" + event[at:],
        rng.choice([b"\xef\xbb\xbf", b"\0", b"\xff\xfe", b"\x1e", b")]}'\n"]) + event,
        event + rng.choice([b"}", b"\0", b",", b"\x1a", event]),
        rng.randbytes(rng.randrange(1, 3_000)),
        event.decode().encode(rng.choice(["utf-16", "utf-32"])),
    ]
    return Hostile(name, USER.encode(), rng.choice(broken), "malformed")


def _too_long(rng: random.Random, timestamp: int, name: str) -> Hostile:
    event = _event(name, timestamp)
    return Hostile(name, USER.encode(), event[:-1] + b" " * rng.randrange(65_537, 300_000) + b"}", "oversize")


def _elsewhere(rng: random.Random, timestamp: int, name: str) -> Hostile:
    event = _event(name, timestamp)
    if rng.random() < 0.5:
        return Hostile(name, USER.encode(), event, "misrouted", astray=rng.randrange(1, 4))
    key = rng.choice([None, b"", b"\0", b"\xff\xfe", USER.encode() + b" ", USER.upper().encode(), b"x" * 10_000])
    return Hostile(name, key, event, "key_mismatch")


def _odd_but_legal(rng: random.Random, timestamp: int, name: str) -> Hostile:
    characters = "".join(chr(rng.choice([0x20, 0x2F, 0x25, 0xAD, 0x200B, 0xFEFF, 0xFFFF, 0x1F600])) for _ in range(256))
    changed = rng.choice(
        [{"item_id": characters}, {"category": "\0\n"}, {"context": {"": [None, {}]}}, {"x": "]}" * 99}]
    )
    return Hostile(name, USER.encode(), _event(name, timestamp, **changed), None)


def _event(name: str, timestamp: int, **changed: Any) -> bytes:
    return encoded(good(timestamp, **{"event_id": name, **changed}))


def _spliced(name: str, members: str, timestamp: int, reason: str | None) -> Hostile:
    value = _event(name, timestamp)[:-1] + b", " + members.encode() + b"}"
    return Hostile(name, USER.encode(), value, reason)


def _broken(name: str, field: str, value: Any, timestamp: int, how: str = "invalid") -> Hostile:
    return Hostile(name, USER.encode(), _event(name, timestamp, **{field: value}), f"{how}:{field}")


_WAYS: list[Callable[[random.Random, int, str], Hostile]] = [
    _brackets, _no_number, _huge_number, _surrogate, _control_in_an_id, _moment, _type, _missing, _kind, _twice,
    _bytes, _too_long, _elsewhere, _odd_but_legal,
]  # fmt: skip
