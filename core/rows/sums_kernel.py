"""Packed sums in compiled code: adding two, and packing many rows at once (format: ``core.rows.codec``)."""

from functools import partial

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.bytes.word_kernel import WORD, agreed, copy, padded, roomy, signed, store, unsigned
from core.rows.codec import SUMS_HEAD, TOUCHES_BYTES, UNIT
from core.rows.width_kernel import longest, scale, unit_of, width_of, width_of_lengths
from core.rows.words_kernel import joined_word, next_touches

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
HEAD = SUMS_HEAD.size
_ORIGIN = np.zeros(1, np.int64)


@njit(cache=True, nogil=True)
def opened(a, base):  # type: ignore[no-untyped-def]
    """Return n, unit, width and length width of the row at ``base``, and where its numbers, lengths and text begin."""
    n, unit, width, long = unsigned(a, base, 4), unsigned(a, base + 4, 2), np.int64(a[base + 6]), np.int64(a[base + 7])
    numbers = base + HEAD
    return n, unit, width, long, numbers, numbers + width * n, numbers + (width + 2 * long) * n


@njit(cache=True, nogil=True)
def next_name(a, k, n, long, lengths, at, name):  # type: ignore[no-untyped-def]
    """Turn ``name`` from the name before into name k.

    Returns how many bytes the two share, name k's length, and where the next one's text begins.
    """
    shared, rest = unsigned(a, lengths + long * k, long), unsigned(a, lengths + long * (n + k), long)
    copy(name, shared, a, at, rest)
    return shared, shared + rest, at + rest


@njit(cache=True, nogil=True)
def _write(out, at, amounts, shared, rest, first, end, unit, width, long):  # type: ignore[no-untyped-def]
    """Write everything but the text, which begins at the position returned; ``amounts`` are in ``unit``.

    Each number is written as a word, whose end the next one covers.
    """
    store(out, at, np.uint64(end - first) | (np.uint64(unit) << np.uint64(32)))
    out[at + 6], out[at + 7] = width, long
    place = at + HEAD
    for k in range(first, end):
        store(out, place, np.uint64(amounts[k]))
        place += width
    for k in range(first, end):
        store(out, place, np.uint64(shared[k]))
        place += long
    for k in range(first, end):
        store(out, place, np.uint64(rest[k]))
        place += long
    return place


@njit(cache=True, nogil=True)
def _merge(  # type: ignore[no-untyped-def]
    a, base_a, end_a, b, base_b, end_b, overlay, name_a, name_b, amounts, shared, rest, text, touches
):  # fmt: skip
    """Merge two sorted lists of names, comparing no byte twice (Ng and Kakehi 2008, LCP merge); both are ``padded``.

    ``near_a`` and ``near_b`` say how many bytes the next name of each side shares with the last one written: of two
    names that both come after it, the one that shares more with it is the smaller.

    The last seven arrays are room to work in, long enough for both rows. What is written to ``amounts``, ``shared``,
    ``rest``, ``text`` and, with ``overlay``, ``touches`` is the merged row; returns how many names and bytes of text it
    has, and its unit.
    """
    na, unit_a, width_a, long_a, numbers_a, lengths_a, at_a = opened(a, base_a)
    nb, unit_b, width_b, long_b, numbers_b, lengths_b, at_b = opened(b, base_b)
    times_a, times_b = (1, 1) if unit_a == unit_b else (unit_a, unit_b)
    i = j = n = used = len_a = len_b = near_a = near_b = 0
    if na:
        _, len_a, at_a = next_name(a, 0, na, long_a, lengths_a, at_a, name_a)
    if nb:
        _, len_b, at_b = next_name(b, 0, nb, long_b, lengths_b, at_b, name_b)
    while i < na or j < nb:
        order, both = near_b - near_a, min(near_a, near_b)
        if i >= na or j >= nb:
            order = -1 if j >= nb else 1
        elif order == 0:
            least = min(len_a, len_b)
            both += agreed(name_a, both, name_b, both, least - both)
            order = (1 if name_a[both] > name_b[both] else -1) if both < least else len_a - len_b
        amount, later = np.int64(0), np.int64(0)
        if order <= 0:
            amount = signed(a, numbers_a + width_a * i, width_a) * times_a
        if order >= 0:
            later = signed(b, numbers_b + width_b * j, width_b) * times_b
            amount = joined_word(amount, later) if overlay and order == 0 else amount + later
        written = amount != 0 or overlay
        if overlay:
            touches[n] = next_touches(a, end_a, na - i, b, end_b, nb - j, order, later)
        if written:
            amounts[n] = amount
            if order <= 0:
                shared[n], rest[n] = near_a, len_a - near_a
                copy(text, used, name_a, near_a, rest[n])
            else:
                shared[n], rest[n] = near_b, len_b - near_b
                copy(text, used, name_b, near_b, rest[n])
            used, n = used + rest[n], n + 1
            near_a, near_b = (len_a if order <= 0 else both), (len_b if order >= 0 else both)
        if order <= 0:
            i += 1
            if i < na:
                before, len_a, at_a = next_name(a, i, na, long_a, lengths_a, at_a, name_a)
                near_a = min(near_a, before)
        if order >= 0:
            j += 1
            if j < nb:
                before, len_b, at_b = next_name(b, j, nb, long_b, lengths_b, at_b, name_b)
                near_b = min(near_b, before)
    unit = UNIT if unit_a == unit_b == UNIT and n > 0 else unit_of(amounts, 0, n)
    if unit_a != unit or unit_b != unit:
        scale(amounts, 0, n, unit)
    return n, used, unit


@njit(cache=True, nogil=True)
def _room(a, first_a, end_a, b, first_b, end_b):  # type: ignore[no-untyped-def]
    """Return what ``_merge`` needs for the largest pair of rows: names, bytes of a name, bytes of text."""
    names = name = text = np.int64(0)
    for r in range(len(first_a)):
        if first_a[r] == end_a[r] or first_b[r] == end_b[r]:
            continue
        na, _, _, long_a, _, lengths_a, _ = opened(a, first_a[r])
        nb, _, _, long_b, _, lengths_b, _ = opened(b, first_b[r])
        names, text = max(names, na + nb), max(text, end_a[r] - first_a[r] + end_b[r] - first_b[r])
        name = max(name, longest(a, lengths_a, na, long_a), longest(b, lengths_b, nb, long_b))
    return names, name + WORD, text + WORD


@njit(cache=True, nogil=True)
def merge_rows(a, first_a, end_a, b, first_b, end_b, overlay):  # type: ignore[no-untyped-def]
    """Merge row ``a[first_a[r]:end_a[r]]`` with row r of ``b``; of an empty one and another the other is taken.

    ``a`` and ``b`` are ``padded``. Returns the merged rows, ``padded``, and their starts, one more than rows.
    """
    rows, (most, name, size) = len(first_a), _room(a, first_a, end_a, b, first_b, end_b)
    name_a, name_b, text = np.empty(name, np.uint8), np.empty(name, np.uint8), np.empty(size, np.uint8)
    amounts, shared, rest = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    touches, more = np.empty(most, np.int64), TOUCHES_BYTES if overlay else 0
    starts, at = np.zeros(rows + 1, np.int64), np.int64(0)
    out = np.empty((end_a - first_a).sum() + (end_b - first_b).sum() + 2 * WORD, np.uint8)
    for r in range(rows):
        size_a, size_b = end_a[r] - first_a[r], end_b[r] - first_b[r]
        if size_a == 0 or size_b == 0:
            out = roomy(out, at + size_a + size_b)
            copy(out, at, a, first_a[r], size_a)
            copy(out, at, b, first_b[r], size_b)
            at += size_a + size_b
        else:
            n, used, unit = _merge(
                a, first_a[r], end_a[r], b, first_b[r], end_b[r], overlay,
                name_a, name_b, amounts, shared, rest, text, touches,
            )  # fmt: skip
            width, long = width_of(amounts, 0, n, 1), width_of_lengths(shared, rest, 0, n)
            out = roomy(out, at + HEAD + (width + 2 * long + more) * n + used)
            body = _write(out, at, amounts, shared, rest, 0, n, unit, width, long)
            copy(out, body, text, 0, used)
            at = body + used
            for k in range(n if overlay else 0):
                store(out, at, np.uint64(touches[k]))
                at += TOUCHES_BYTES
        starts[r + 1] = at
    return out, starts


# Two rows each: their sums, and their words with those on one item joined.
add_rows = partial(merge_rows, overlay=False)
overlay_rows = partial(merge_rows, overlay=True)


def add_sums(a: bytes, b: bytes) -> bytes:
    """Add two packed sums name by name; names whose amounts cancel are left out."""
    return _one(a, b, False)


def overlay_sums(a: bytes, b: bytes) -> bytes:
    """Return all names of both; where both have one, the two words become one (``joined_words``)."""
    return _one(a, b, True)


def _one(a: bytes, b: bytes, overlay: bool) -> bytes:
    ends = np.array([len(a)]), np.array([len(b)])
    out, starts = merge_rows(padded(a), _ORIGIN, ends[0], padded(b), _ORIGIN, ends[1], overlay)
    merged: bytes = out[: starts[1]].tobytes()
    return merged


@njit(cache=True, nogil=True)
def pack_rows(row_starts, code, amount, touches, name_starts, names):  # type: ignore[no-untyped-def]
    """Pack rows of (name code, amount), already ascending within each row; ``amount`` is overwritten.

    ``row_starts`` has rows + 1 entries, ``names`` a word beyond its end. ``touches``: packed ones of each amount, empty
    for rows that have none. Returns the packed bytes and their rows + 1 starts.
    """
    more = TOUCHES_BYTES if len(touches) else 0
    rows = len(row_starts) - 1
    starts = np.zeros(rows + 1, np.int64)
    shared, rest = np.empty(len(code), np.int64), np.empty(len(code), np.int64)
    shape = np.empty((rows, 3), np.int64)
    for r in range(rows):
        first, end = row_starts[r], row_starts[r + 1]
        text = before = length_before = 0
        for k in range(first, end):
            at, length = name_starts[code[k]], name_starts[code[k] + 1] - name_starts[code[k]]
            shared[k] = agreed(names, before, names, at, min(length_before, length))
            rest[k] = length - shared[k]
            before, length_before, text = at, length, text + rest[k]
        unit = unit_of(amount, first, end)
        scale(amount, first, end, unit)
        width, long = width_of(amount, first, end, 1), width_of_lengths(shared, rest, first, end)
        shape[r, 0], shape[r, 1], shape[r, 2] = unit, width, long
        starts[r + 1] = starts[r] + HEAD + (width + 2 * long + more) * (end - first) + text
    out = np.empty(starts[rows] + WORD, np.uint8)
    for r in range(rows):
        first, end = row_starts[r], row_starts[r + 1]
        at = _write(out, starts[r], amount, shared, rest, first, end, shape[r, 0], shape[r, 1], shape[r, 2])
        for k in range(first, end):
            copy(out, at, names, name_starts[code[k]] + shared[k], rest[k])
            at += rest[k]
        for k in range(first, end if more else first):
            store(out, at, np.uint64(touches[k]))
            at += TOUCHES_BYTES
    return out[: starts[rows]], starts
