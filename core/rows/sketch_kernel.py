"""Sketches of active users in compiled code: hashes, packing, merging many rows (slow twin: ``core.rows.sketch``)."""

import numpy as np
from numba import njit

from core.bytes.word_kernel import WORD, copy, load, store, unsigned
from core.rows.sketch import BITS, MOST_SPARSE, MULTIPLIER, REGISTERS, SHIFT

_MULTIPLIER, _SHIFT = np.uint64(MULTIPLIER), np.uint64(SHIFT)
_REST = np.uint64(64 - BITS)


@njit(cache=True, nogil=True)
def places(text, starts):  # type: ignore[no-untyped-def]
    """Return the register and the rank of each ``text[starts[k]:starts[k + 1]]``; ``text`` is ``padded``."""
    n = len(starts) - 1
    register, rank = np.empty(n, np.int64), np.empty(n, np.int64)
    for k in range(n):
        at, end = starts[k], starts[k + 1]
        h = np.uint64(end - at) * _MULTIPLIER
        while end - at >= WORD:
            word = load(text, at) * _MULTIPLIER
            word = (word ^ (word >> _SHIFT)) * _MULTIPLIER
            h = (h ^ word) * _MULTIPLIER
            at += WORD
        if end > at:
            h = (h ^ np.uint64(unsigned(text, at, end - at))) * _MULTIPLIER
        h = (h ^ (h >> _SHIFT)) * _MULTIPLIER
        h ^= h >> _SHIFT
        register[k] = np.int64(h >> _REST)
        rest, zeros = h << np.uint64(BITS), 0
        while zeros < 64 - BITS and not rest >> np.uint64(63):
            rest, zeros = rest << np.uint64(1), zeros + 1
        rank[k] = zeros + 1
    return register, rank


@njit(cache=True, nogil=True)
def _write(out, at, ranks, n):  # type: ignore[no-untyped-def]
    """Write the sketch with ``n`` set registers; returns where it ends."""
    store(out, at, np.uint64(n))
    if n > MOST_SPARSE:
        for register in range(REGISTERS):
            out[at + 2 + register] = ranks[register]
        return at + 2 + REGISTERS
    number, place = at + 2, at + 2 + 2 * n
    for register in range(REGISTERS):
        if ranks[register]:
            out[number], out[number + 1] = register & 0xFF, register >> 8
            out[place] = ranks[register]
            number, place = number + 2, place + 1
    return place


@njit(cache=True, nogil=True)
def _read(a, at, ranks):  # type: ignore[no-untyped-def]
    """Raise the ranks to those of the sketch at ``at``; returns how many registers become set."""
    n, more = unsigned(a, at, 2), 0
    if n > MOST_SPARSE:
        for register in range(REGISTERS):
            rank = a[at + 2 + register]
            more += rank > 0 and ranks[register] == 0
            ranks[register] = max(ranks[register], rank)
        return more
    for k in range(n):
        register, rank = unsigned(a, at + 2 + 2 * k, 2), a[at + 2 + 2 * n + k]
        more += ranks[register] == 0
        ranks[register] = max(ranks[register], rank)
    return more


@njit(cache=True, nogil=True)
def merge_sketches(a, first_a, end_a, b, first_b, end_b):  # type: ignore[no-untyped-def]
    """Return the greater ranks of two rows each; of an empty one and another the other is taken."""
    rows = len(first_a)
    out = np.empty((end_a - first_a).sum() + (end_b - first_b).sum() + 2 * WORD, np.uint8)
    starts, ranks = np.zeros(rows + 1, np.int64), np.zeros(REGISTERS, np.uint8)
    for r in range(rows):
        at, size_a, size_b = starts[r], end_a[r] - first_a[r], end_b[r] - first_b[r]
        if size_a == 0 or size_b == 0:
            copy(out, at, a, first_a[r], size_a)
            copy(out, at + size_a, b, first_b[r], size_b)
            starts[r + 1] = at + size_a + size_b
            continue
        ranks[:] = 0
        n = _read(a, first_a[r], ranks)
        n += _read(b, first_b[r], ranks)
        starts[r + 1] = _write(out, at, ranks, n)
    return out, starts


@njit(cache=True, nogil=True)
def pack_sketches(starts, register, rank):  # type: ignore[no-untyped-def]
    """Pack rows of distinct registers and their ranks; returns the bytes and their rows + 1 starts."""
    rows = len(starts) - 1
    size = np.int64(0)
    for r in range(rows):
        size += 2 + min(3 * (starts[r + 1] - starts[r]), REGISTERS)
    out, ends = np.empty(size + WORD, np.uint8), np.zeros(rows + 1, np.int64)
    ranks = np.zeros(REGISTERS, np.uint8)
    for r in range(rows):
        ranks[:] = 0
        for k in range(starts[r], starts[r + 1]):
            ranks[register[k]] = rank[k]
        ends[r + 1] = _write(out, ends[r], ranks, starts[r + 1] - starts[r])
    return out[: ends[rows]], ends
