"""Hostile records made at random, each broken in one way, so that its reason is known.

``name`` is unique among the records and the id of its event.
"""

import json
import random
from collections.abc import Callable
from typing import Any

from schemas.event import EARLIEST_EVENT_TIME_MS, LATEST_AHEAD_MS
from tests.kit.hostile import TIMESTAMP, USER, Hostile, encoded, good


def hostile_at_random(seed: int, count: int, timestamp: int = TIMESTAMP) -> list[Hostile]:
    """Records beyond the list of ``hostile``; some are legal."""
    rng = random.Random(seed)
    return [rng.choice(_WAYS)(rng, timestamp, f"{seed}-{number}") for number in range(count)]


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
