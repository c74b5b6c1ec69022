"""The outline of a JSON text without decoding it: how many entries its array has and how deep it nests."""

from dataclasses import dataclass

import numpy as np

CHUNK_BYTES = 1 << 20
_QUOTE, _COMMA = ord('"'), ord(",")
_STEPS = np.zeros(256, np.int32)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1


@dataclass(frozen=True)
class Outline:
    """``entries``: of an array at the top, 1 for anything else; ``depth``: of arrays and objects inside one another.

    Right for a JSON text, and for any other up to the first byte that makes it none.
    """

    entries: int
    depth: int


def outline(text: bytes, most_entries: int, most_depth: int) -> Outline:
    """The outline, or as much of it as shows that it has more entries or is deeper than that.

    An array without entries counts as one of one entry.
    """
    # Escaped backslashes, then escaped quotes: what quotes remain begin and end strings.
    plain = text.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in text else text
    is_array = plain.lstrip(b" \t\r\n").startswith(b"[")
    inside, depth, deepest, commas = False, 0, 0, 0
    for start in range(0, len(plain), CHUNK_BYTES):
        chunk = np.frombuffer(plain, np.uint8, min(CHUNK_BYTES, len(plain) - start), start)
        in_string = np.logical_xor.accumulate(chunk == _QUOTE) ^ inside
        depths = np.cumsum(np.where(in_string, 0, _STEPS[chunk]), dtype=np.int32) + depth
        commas += int(np.count_nonzero((chunk == _COMMA) & ~in_string & (depths == 1)))
        inside, depth, deepest = bool(in_string[-1]), int(depths[-1]), max(deepest, int(depths.max()))
        if deepest > most_depth or (is_array and commas >= most_entries):
            break
    return Outline(commas + 1 if is_array else 1, deepest)
