"""A hash table of item codes in compiled code: open addressing, multiplicative hashing (Knuth, TAOCP 3, 6.4)."""

import numpy as np
from numba import njit

from core.ranking.columns import NOBODY


@njit(cache=True, nogil=True)
def empty_table(n):  # type: ignore[no-untyped-def]
    """Return an empty hash table for ``n`` codes, which fill at most half of it."""
    size = 16
    while size < 2 * n:
        size *= 2
    return np.full(size, NOBODY, np.int64)


@njit(cache=True, nogil=True)
def empty_rows(n):  # type: ignore[no-untyped-def]
    """Return a table as ``empty_table`` does, but of rows, whose codes are in a column: half as long to go through."""
    size = 16
    while size < 2 * n:
        size *= 2
    return np.full(size, NOBODY, np.int32)


@njit(cache=True, nogil=True)
def row_place(table, codes, code):  # type: ignore[no-untyped-def]
    """Return the place of the row of the code, or the free place where it belongs. Args: codes: of the rows."""
    mask = np.uint64(len(table) - 1)
    at = (np.uint64(code) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32) & mask
    while table[at] != NOBODY and codes[table[at]] != code:
        at = (at + np.uint64(1)) & mask
    return at


@njit(cache=True, nogil=True)
def set_of(codes):  # type: ignore[no-untyped-def]
    """Return a set of those codes for ``is_in``: a bit for each code up to the greatest."""
    greatest = NOBODY
    for code in codes:
        greatest = max(greatest, code)
    bits = np.zeros((greatest >> 6) + 1, np.uint64)
    for code in codes:
        if code != NOBODY:
            bits[code >> 6] |= np.uint64(1) << np.uint64(code & 63)
    return bits


@njit(cache=True, nogil=True)
def is_in(bits, code):  # type: ignore[no-untyped-def]
    """Return whether the set has the code."""
    word = code >> 6
    return word < len(bits) and (bits[word] >> np.uint64(code & 63)) & np.uint64(1) != 0


@njit(cache=True, nogil=True)
def place(table, code):  # type: ignore[no-untyped-def]
    """Return the place of the code in the table, or the free place where it belongs."""
    mask = np.uint64(len(table) - 1)
    at = (np.uint64(code) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32) & mask
    while table[at] != NOBODY and table[at] != code:
        at = (at + np.uint64(1)) & mask
    return at
