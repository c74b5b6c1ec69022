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
def merged(buf, ends, overlay):  # type: ignore[no-untyped-def]
    """Return all rows of ``buf``, which lie end to end, as one, and where it ends; ``buf`` is ``padded``.

    The last ones are merged first: they are small changes, and the first is the whole generation's.
    """
    starts = np.zeros(len(ends), np.int64)
    starts[1:] = ends[:-1]
    k = len(ends) - 1
    whole, first, end = buf, starts[k:], ends[k:]
    while k > 0:
        k -= 1
        whole, bounds = merge_rows(buf, starts[k : k + 1], ends[k : k + 1], whole, first, end, overlay)
        first, end = bounds[:1], bounds[1:]
    return whole, end[0]


@njit(cache=True, nogil=True)
def columns_of(row, end, overlay, places, letters, starts, known):  # type: ignore[no-untyped-def]
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
    row, end = merged(buf, ends, overlay)
    codes, amounts, touches, lacking = columns_of(row, end, overlay, places, letters, starts, known)
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
