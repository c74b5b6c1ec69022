"""The outline of a JSON text without decoding it: its array's entries, its values and how deep it nests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK_BYTES = 1 << 20
_QUOTE, _COMMA = ord('"'), ord(",")
_STEPS = np.zeros(256, np.int32)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1

Column = NDArray[Any]


@dataclass(frozen=True)
class Outline:
    """``entries``: of an array at the top, 1 for anything else; ``depth``: of arrays and objects inside one another.

    ``values``: how many there are, keys left out and an array or object without any counted twice.
    Right for a JSON text, and for any other up to the first byte that makes it none.
    """

    entries: int
    depth: int
    values: int


def outline(text: bytes, most_entries: int, most_depth: int) -> Outline:
    """Return the outline, or as much of it as shows that it has more entries or is deeper than that.

    An array without entries counts as one of one entry.
    """
    is_array = text.lstrip(b" \t\r\n").startswith(b"[")
    entries, deepest, values = 1, 0, 1
    for _, steps, depths, separators in _columns(text):
        values += int(np.count_nonzero(separators)) + int(np.count_nonzero(steps == 1))
        entries += int(np.count_nonzero(separators & (depths == 1))) if is_array else 0
        deepest = max(deepest, int(depths.max()))
        if deepest > most_depth or (is_array and entries > most_entries):
            break
    return Outline(entries, deepest, values)


def commas(text: bytes, most: int) -> list[int]:
    """Return where the commas between the entries of an array at the top are, the first ``most`` of them."""
    places: list[int] = []
    for start, _, depths, separators in _columns(text):
        places.extend((np.flatnonzero(separators & (depths == 1))[: most - len(places)] + start).tolist())
        if len(places) == most:
            break
    return places


def _columns(text: bytes) -> Iterator[tuple[int, Column, Column, Column]]:
    """Yield per chunk its start, and for each byte its step in depth, its depth, and whether it is a comma.

    What is in strings has no step and is no comma.
    """
    # Escaped backslashes, then escaped quotes: what quotes remain begin and end strings. Nothing changes its place.
    plain = text.replace(b"\\\\", b"__").replace(b'\\"', b"__") if b"\\" in text else text
    inside, depth = False, 0
    for start in range(0, len(plain), CHUNK_BYTES):
        chunk = np.frombuffer(plain, np.uint8, min(CHUNK_BYTES, len(plain) - start), start)
        in_string = np.logical_xor.accumulate(chunk == _QUOTE) ^ inside
        steps = np.where(in_string, 0, _STEPS[chunk])
        depths = np.cumsum(steps, dtype=np.int32) + depth
        yield start, steps, depths, (chunk == _COMMA) & ~in_string
        inside, depth = bool(in_string[-1]), int(depths[-1])
