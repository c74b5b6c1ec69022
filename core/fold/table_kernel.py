"""A hash table of whole numbers for compiled code: keys >= 0 and what is added up under each."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def empty_table(size):  # type: ignore[no-untyped-def]
    """Return an empty open-addressing table of (key, amount), -1: free; side by side for one cache miss per lookup."""
    table = np.zeros((size, 2), np.int64)
    for slot in range(size):
        table[slot, 0] = -1
    return table


@njit(cache=True, nogil=True)
def _slot(table, key):  # type: ignore[no-untyped-def]
    """Return where the key stands in the table, whose size is a power of two, or the free slot that it takes."""
    mask = len(table) - 1
    slot = np.int64((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & mask
    while table[slot, 0] != key and table[slot, 0] != -1:
        slot = (slot + 1) & mask
    return slot


@njit(cache=True, nogil=True)
def add(table, key, amount):  # type: ignore[no-untyped-def]
    """Add to the key's amount; returns 1 when the key is new."""
    slot = _slot(table, key)
    new = table[slot, 0] == -1
    table[slot, 0] = key
    table[slot, 1] += amount
    return 1 if new else 0


@njit(cache=True, nogil=True)
def raise_to(table, key, amount):  # type: ignore[no-untyped-def]
    """Raise the key's amount to that one if it is less; returns 1 when the key is new."""
    slot = _slot(table, key)
    new = table[slot, 0] == -1
    table[slot, 0] = key
    table[slot, 1] = max(table[slot, 1], amount)
    return 1 if new else 0


@njit(cache=True, nogil=True)
def grown(table):  # type: ignore[no-untyped-def]
    wider = empty_table(2 * len(table))
    for slot in range(len(table)):
        if table[slot, 0] != -1:
            add(wider, table[slot, 0], table[slot, 1])
    return wider


@njit(cache=True, nogil=True)
def nonzero(table):  # type: ignore[no-untyped-def]
    """Return the keys whose amount is not 0, and their amounts."""
    n = 0
    for slot in range(len(table)):
        n += table[slot, 1] != 0
    keys, amounts = np.empty(n, np.int64), np.empty(n, np.int64)
    n = 0
    for slot in range(len(table)):
        if table[slot, 1] != 0:
            keys[n], amounts[n] = table[slot, 0], table[slot, 1]
            n += 1
    return keys, amounts
