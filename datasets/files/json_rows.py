"""Files of JSON as records: one object per line, an array, or objects that follow one another."""

import io
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from datasets.files.blocks import ROWS, Block
from datasets.files.json_values import split_objects
from datasets.files.tally import Tally
from datasets.files.text import MARKS, until_damage
from schemas.errors import BadInput

NOT_JSON = "not one JSON object"
NOT_UTF8 = "not UTF-8, as JSON is"
_PEEKED = 1 << 12
_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\{\]])")
_LINE_WITHOUT_END = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[|\{\s*\n)")
_CHUNK = 1 << 18


def is_json(raw: "io.BufferedReader[Any]") -> bool:
    """Return whether a file begins with a JSON object, or with an array of them. Raises BadInput for one in UTF-16."""
    start = raw.peek(_PEEKED)
    for mark, encoding in MARKS.items():
        if start.startswith(mark) and _START.match(start[: len(start) // 4 * 4].decode(encoding, "ignore").encode()):
            name = getattr(raw, "name", "the file")
            raise BadInput(f"{name} is JSON in {encoding.upper()}, and JSON is UTF-8: convert it")
    return _START.match(start) is not None


def json_rows(raw: "io.BufferedReader[Any]", name: str, tally: Tally, numbers: Iterator[int]) -> Iterator[Block]:
    """Yield the objects; what is none is dropped and counted. Objects over several lines count as one line.

    Raises: BadInput for an array, or objects over several lines, that break off, and for a file damaged from its start.
    """
    spread = _LINE_WITHOUT_END.match(raw.peek(_PEEKED)) is not None
    texts = enumerate(until_damage(split_objects(_chunks(raw), name) if spread else raw, name, tally), 1)
    while numbered := list(islice(texts, ROWS)):
        tally.lines += len(numbered)
        rows = list[tuple[int, int, Any, bytes]]()
        for (place, text), number in zip(numbered, numbers, strict=False):
            line = text.removeprefix(b"\xef\xbb\xbf").strip()
            record = _decoded(line)
            if isinstance(record, dict):
                rows.append((number, place, record, line))
            else:
                tally.place = (name, place)
                tally.drop(_why(line), number, [line.decode(errors="replace")] if line else ())
        if rows:
            count, places, records, lines = zip(*rows, strict=True)
            yield Block(name, count, places, records, partial(_shown, lines))


def _decoded(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _why(line: bytes) -> str:
    """Return why a line is no record."""
    if not line:
        return "blank line"
    try:
        line.decode()
    except UnicodeDecodeError:
        return NOT_UTF8
    return NOT_JSON


def _shown(lines: Sequence[bytes], place: int) -> list[str]:
    return [lines[place].decode(errors="replace")]


def _chunks(raw: "io.BufferedReader[Any]") -> Iterator[bytes]:
    mark = raw.read(3)
    yield mark.removeprefix(b"\xef\xbb\xbf")
    while chunk := raw.read(_CHUNK):
        yield chunk
