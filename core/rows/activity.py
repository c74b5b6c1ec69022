"""Keys and names of the view of activity: for each hour and dimension, how many events of each kind each value has.

A row's key is the dimension's number (u8) and the hour; its value is packed sums. A name is the parts of the value and
the kind with a zero byte between, such as ``DIY\\0phone\\0save`` of ``category_device``; an empty part: it has none.
"""

import re

from core.rows.codec import bucket_key, bucket_of_key
from schemas.event import Event
from schemas.rules import DIMENSIONS

SEPARATOR = "\0"
NUMBERS = {name: number for number, name in enumerate(DIMENSIONS)}
_NAMES = tuple(DIMENSIONS)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_AUTHORITY = re.compile(r"(?:[^/?#\\]*:)?//([^/?#\\]*)|([^/?#\\]*)")
_PORT = re.compile(r":[0-9]*\Z")


def activity_key(dimension: str, bucket: int) -> bytes:
    """Return the row key of a dimension in an hourly bucket."""
    return bytes([NUMBERS[dimension]]) + bucket_key(bucket)


def split_key(key: bytes) -> tuple[str, int]:
    """Return the dimension and the bucket of a row key."""
    return _NAMES[key[0]], bucket_of_key(key[1:])


def split_name(name: bytes) -> tuple[tuple[str, ...], str]:
    """Return the parts of a value and the kind."""
    *parts, kind = name.decode().split(SEPARATOR)
    return tuple(parts), kind


def label(text: str | None) -> str:
    """Return a text as a name holds it: without control characters; none is empty."""
    if not text:
        return ""
    return text if text.isprintable() else _CONTROL.sub("\ufffd", text)


def host_of(referrer: str | None) -> str:
    """Return the host in a referrer: what follows ``//``, else its beginning, up to / ? # or a backslash.

    Without user and port, in lower case as far as it is ASCII.
    """
    match = _AUTHORITY.match(referrer or "")
    assert match is not None
    host = _PORT.sub("", (match[1] if match[1] is not None else match[2]).rpartition("@")[2])
    return "".join(letter.lower() if letter.isascii() else letter for letter in host)


def names_of(event: Event, dimensions: tuple[str, ...]) -> dict[str, str]:
    """Return the name under which each dimension counts an event."""
    kind = label(event.kind)
    out = {}
    for dimension in ("all", *dimensions):
        values = [_value(event, field) for field in DIMENSIONS[dimension]]
        out[dimension] = SEPARATOR.join([*values, kind])
    return out


def _value(event: Event, field: str) -> str:
    given: str | None = getattr(event, field)
    return label(host_of(given) if field == "referrer" else given)
