"""Files of JSON as records: one object per line, an array, or objects that follow one another."""

import io
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from datasets.files.json_values import split_objects
from datasets.files.tally import Tally
from datasets.files.text import until_damage

NOT_JSON = "not one JSON object"
_PEEKED = 1 << 12
_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\{\]])")
_LINE_WITHOUT_END = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[|\{\s*\n)")
_CHUNK = 1 << 18


def is_json(raw: "io.BufferedReader[Any]") -> bool:
    """Return whether a file begins with a JSON object, or with an array of them."""
    return _START.match(raw.peek(_PEEKED)) is not None


def json_rows(
    raw: "io.BufferedReader[Any]", name: str, tally: Tally, numbers: Iterator[int]
) -> Iterator[tuple[int, Any]]:
    """Yield the numbered objects; what is none is dropped and counted. Objects over several lines count as one line.

    Raises: BadInput for an array, or objects over several lines, that break off, and for a file damaged from its start.
    """
    spread = _LINE_WITHOUT_END.match(raw.peek(_PEEKED)) is not None
    texts = split_objects(_chunks(raw), name) if spread else raw
    for place, (text, number) in enumerate(zip(until_damage(texts, name, tally), numbers, strict=False), 1):
        tally.lines += 1
        tally.place = (name, place)
        line = text.removeprefix(b"\xef\xbb\xbf").strip()
        if not line:
            tally.drop("blank line", number)
            continue
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            record = None
        tally.cells = [line.decode(errors="replace")]
        if isinstance(record, dict):
            yield number, record
        else:
            tally.drop(NOT_JSON, number, tally.cells)


def _chunks(raw: "io.BufferedReader[Any]") -> Iterator[bytes]:
    mark = raw.read(3)
    yield mark.removeprefix(b"\xef\xbb\xbf")
    while chunk := raw.read(_CHUNK):
        yield chunk
