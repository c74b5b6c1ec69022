"""Sends lines to a topic with their bytes unchanged, each under the key that it contains."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec

from core.json.strict_json import read_object

KEY_FIELDS = {"events": "user_id", "users": "user_id", "items": "item_id"}
NO_KEY = b""


class Append(Protocol):
    """Sends one record; the caller waits for the acknowledgements."""

    def __call__(self, topic: str, key: bytes, value: bytes, /) -> None: ...


@dataclass
class Sent:
    """What was handed to the producer."""

    lines: int = 0
    without_key: int = 0  # unreadable ones among them
    empty: int = 0  # skipped


@dataclass(frozen=True)
class Pace:
    """A steady rate. ``clock`` and ``sleep`` are in seconds."""

    per_second: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def __call__(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines at a steady rate; after a delay they catch up."""
        start = self.clock()
        for place, line in enumerate(lines):
            wait = start + place / self.per_second - self.clock()
            if wait > 0:
                self.sleep(wait)
            yield line


def key_reader(field: str) -> Callable[[bytes], bytes]:
    """Return a reader of keys: it returns a line's ``field`` as UTF-8, or an empty key where that cannot be read."""
    shape = msgspec.defstruct("Keyed", [("key", str, msgspec.field(name=field))])
    decode = msgspec.json.Decoder(shape).decode

    def key_of(line: bytes) -> bytes:
        try:
            key: object = decode(line).key  # type: ignore[attr-defined]
        except (msgspec.MsgspecError, ValueError, RecursionError):
            given = read_object(line)  # this parser decides what is readable; msgspec is only faster
            key = given.get(field) if isinstance(given, dict) else None
        return key.encode() if isinstance(key, str) else NO_KEY

    return key_of


def send_lines(lines: Iterable[bytes], append: Append, topic: str, key_of: Callable[[bytes], bytes]) -> Iterator[Sent]:
    """Send every line except empty ones, in order; yields the counts so far after each line."""
    sent = Sent()
    for line in lines:
        if line not in (b"", b"\r"):
            key = key_of(line)
            append(topic, key, line)
            sent.lines += 1
            sent.without_key += not key
        else:
            sent.empty += 1
        yield sent
