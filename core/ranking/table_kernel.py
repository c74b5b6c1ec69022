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
def place(table, code):  # type: ignore[no-untyped-def]
    """Return the place of the code in the table, or the free place where it belongs."""
    mask = np.uint64(len(table) - 1)
    at = (np.uint64(code) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32) & mask
    while table[at] != NOBODY and table[at] != code:
        at = (at + np.uint64(1)) & mask
    return at
