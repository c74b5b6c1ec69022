"""Packed sums as columns in compiled code; ``sums_columns`` is the slow twin, whose words hold here too."""

from collections.abc import Sequence

import numpy as np
from numba import njit

from core.bytes.word_kernel import WORD, signed
from core.codes.item_index import ItemIndex
from core.codes.names_kernel import code_of
from core.codes.sums_columns import Amounts, Standing
from core.rows.codec import TOUCHES_BYTES, unpack_columns
from core.rows.sums_kernel import merge_rows, next_name, opened
from core.rows.width_kernel import longest


@njit(cache=True, nogil=True)
def _merged(buf, ends, overlay):  # type: ignore[no-untyped-def]
    """Return all rows of ``buf``, which lie end to end, as one, and where it ends; ``buf`` is ``padded``."""
    end = ends[:1]
    whole, zero = buf, np.zeros(1, np.int64)
    for k in range(1, len(ends)):
        whole, starts = merge_rows(whole, zero, end, buf, ends[k - 1 : k], ends[k : k + 1], overlay)
        end = starts[1:]
    return whole, end[0]


@njit(cache=True, nogil=True)
def _columns(row, end, overlay, places, letters, starts, known):  # type: ignore[no-untyped-def]
    """Return codes, amounts and touches, without amounts of 0, and whether some name has no code."""
    n, unit, width, long, numbers, lengths, at = opened(row, 0)
    codes, amounts, kept, lacking = np.empty(n, np.int64), np.empty(n, np.int64), 0, False
    touches, first = np.empty(n if overlay else 0, np.int64), end - TOUCHES_BYTES * n
    name = np.empty(longest(row, lengths, n, long) + WORD, np.uint8)
    for k in range(n):
        _, length, at = next_name(row, k, n, long, lengths, at, name)
        amount = signed(row, numbers + width * k, width) * unit
        if amount != 0:
            codes[kept], amounts[kept] = code_of(places, letters, starts, known, name, 0, length), amount
            lacking |= codes[kept] < 0
            if overlay:
                touches[kept] = signed(row, first + TOUCHES_BYTES * k, TOUCHES_BYTES)
            kept += 1
    return codes[:kept], amounts[:kept], touches[:kept], lacking


@njit(cache=True, nogil=True)
def _decoded(buf, ends, overlay, places, letters, starts, known):  # type: ignore[no-untyped-def]
    row, end = _merged(buf, ends, overlay)
    codes, amounts, touches, lacking = _columns(row, end, overlay, places, letters, starts, known)
    return codes, amounts, touches, lacking, row[:end]


def _amounts(parts: Sequence[bytes], index: ItemIndex, overlay: bool) -> Standing:
    buf = np.frombuffer(bytearray().join([*parts, bytes(WORD)]), np.uint8)
    ends = np.cumsum([len(part) for part in parts])
    codes, amounts, touches, lacking, row = _decoded(buf, ends, overlay, *index.table)
    if lacking:
        names, words = unpack_columns(row.tobytes())
        codes = index.codes(name for name, word in zip(names, words, strict=True) if word)
    return codes, amounts, touches


def summed_parts(parts: Sequence[bytes], index: ItemIndex) -> Amounts:
    codes, amounts, _ = _amounts(parts, index, False)
    return codes, amounts


def standing_parts(parts: Sequence[bytes], index: ItemIndex) -> Standing:
    codes, words, touches = _amounts(parts, index, True)
    return codes, np.abs(words), touches
