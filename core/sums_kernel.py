"""Packed sums in compiled code: adding two, and packing many rows at once (format: ``core.codec``)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


@njit(cache=True, nogil=True)
def get_i64(buf, at):  # type: ignore[no-untyped-def]
    value = np.uint64(0)
    for k in range(8):
        value |= np.uint64(buf[at + k]) << np.uint64(8 * k)
    return np.int64(value)


@njit(cache=True, nogil=True)
def put_i64(buf, at, value):  # type: ignore[no-untyped-def]
    bits = np.uint64(value)
    for k in range(8):
        buf[at + k] = np.uint8(bits >> np.uint64(8 * k))


@njit(cache=True, nogil=True)
def get_u16(buf, at):  # type: ignore[no-untyped-def]
    return np.int64(buf[at]) | (np.int64(buf[at + 1]) << 8)


@njit(cache=True, nogil=True)
def put_u16(buf, at, value):  # type: ignore[no-untyped-def]
    buf[at] = np.uint8(value & 255)
    buf[at + 1] = np.uint8(value >> 8)


@njit(cache=True, nogil=True)
def get_u32(buf, at):  # type: ignore[no-untyped-def]
    return get_u16(buf, at) | (get_u16(buf, at + 2) << 16)


@njit(cache=True, nogil=True)
def _compare(a, at_a, len_a, b, at_b, len_b):  # type: ignore[no-untyped-def]
    for k in range(min(len_a, len_b)):
        if a[at_a + k] != b[at_b + k]:
            return np.int64(a[at_a + k]) - np.int64(b[at_b + k])
    return len_a - len_b


@njit(cache=True, nogil=True)
def _finish(n, amounts, lengths, names, used):  # type: ignore[no-untyped-def]
    out = np.empty(4 + 10 * n + used, dtype=np.uint8)
    put_u16(out, 0, n & 65535)
    put_u16(out, 2, n >> 16)
    for k in range(n):
        put_i64(out, 4 + 8 * k, amounts[k])
        put_u16(out, 4 + 8 * n + 2 * k, lengths[k])
    out[4 + 10 * n :] = names[:used]
    return out


@njit(cache=True, nogil=True)
def _add(a, b):  # type: ignore[no-untyped-def]
    na, nb = get_u32(a, 0), get_u32(b, 0)
    amounts, lengths = np.empty(na + nb, np.int64), np.empty(na + nb, np.int64)
    names = np.empty(len(a) + len(b), np.uint8)
    i = j = n = used = 0
    at_a, at_b = 4 + 10 * na, 4 + 10 * nb
    while i < na or j < nb:
        len_a = get_u16(a, 4 + 8 * na + 2 * i) if i < na else 0
        len_b = get_u16(b, 4 + 8 * nb + 2 * j) if j < nb else 0
        if j >= nb:
            order = -1
        elif i >= na:
            order = 1
        else:
            order = _compare(a, at_a, len_a, b, at_b, len_b)
        amount = np.int64(0)
        length = len_a if order <= 0 else len_b
        if order <= 0:
            amount += get_i64(a, 4 + 8 * i)
            names[used : used + length] = a[at_a : at_a + length]
            i, at_a = i + 1, at_a + len_a
        if order >= 0:
            amount += get_i64(b, 4 + 8 * j)
            names[used : used + length] = b[at_b : at_b + length]
            j, at_b = j + 1, at_b + len_b
        if amount != 0:
            amounts[n], lengths[n] = amount, length
            n, used = n + 1, used + length
    return _finish(n, amounts, lengths, names, used)


def add_sums(a: bytes, b: bytes) -> bytes:
    """Add two packed sums name by name; names whose amounts cancel are left out."""
    merged: Bytes = _add(np.frombuffer(a, np.uint8), np.frombuffer(b, np.uint8))
    return merged.tobytes()


@njit(cache=True, nogil=True)
def pack_rows(row_starts, code, amount, name_starts, name_bytes):  # type: ignore[no-untyped-def]
    """Pack rows of (name code, amount), already ascending within each row.

    ``row_starts`` has rows + 1 entries. Returns the packed bytes and their rows + 1 starts.
    """
    rows = len(row_starts) - 1
    starts = np.zeros(rows + 1, np.int64)
    for r in range(rows):
        size = 4
        for k in range(row_starts[r], row_starts[r + 1]):
            size += 10 + name_starts[code[k] + 1] - name_starts[code[k]]
        starts[r + 1] = starts[r] + size
    out = np.empty(starts[rows], np.uint8)
    for r in range(rows):
        first, n = row_starts[r], row_starts[r + 1] - row_starts[r]
        base = starts[r]
        put_u16(out, base, n & 65535)
        put_u16(out, base + 2, n >> 16)
        at = base + 4 + 10 * n
        for k in range(n):
            c = code[first + k]
            length = name_starts[c + 1] - name_starts[c]
            put_i64(out, base + 4 + 8 * k, amount[first + k])
            put_u16(out, base + 4 + 8 * n + 2 * k, length)
            out[at : at + length] = name_bytes[name_starts[c] : name_starts[c + 1]]
            at += length
    return out, starts
