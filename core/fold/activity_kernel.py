"""Counting events by hour, dimension and kind, and the registers of active users, in one pass (compiled)."""

import numpy as np
from numba import njit

from core.bytes.word_kernel import WORD, copy
from core.fold.table_kernel import add, empty_table, grown, nonzero, raise_to


@njit(cache=True, nogil=True)
def count_kinds(counted, hour, kind, codes, kinds, values, base):  # type: ignore[no-untyped-def]
    """Count the events by (dimension, hour, value, kind).

    Args: counted: which events count.      hour: >= 0.      codes: (dimensions, events), each below the dimension's
        number of ``values``.      base: where each dimension's keys begin.
    Returns: distinct keys base + (hour * values + value) * kinds + kind, in no order, and their counts.
    """
    dimensions = len(codes)
    table, used = empty_table(1 << 10), 0
    for e in range(len(counted)):
        if not counted[e]:
            continue
        if 2 * (used + dimensions) > len(table):
            table = grown(table)
        for d in range(dimensions):
            used += add(table, base[d] + (hour[e] * values[d] + codes[d, e]) * kinds + kind[e], 1)
    return nonzero(table)


@njit(cache=True, nogil=True)
def highest_ranks(counted, hour, user, register, rank, registers):  # type: ignore[no-untyped-def]
    """Return distinct keys hour * registers + register, in no order, and the greatest rank of each."""
    table, used = empty_table(1 << 10), 0
    for e in range(len(counted)):
        if counted[e]:
            if 2 * (used + 1) > len(table):
                table = grown(table)
            used += raise_to(table, hour[e] * registers + register[user[e]], rank[user[e]])
    return nonzero(table)


@njit(cache=True, nogil=True)
def names_of(dimension, value, kind, first, second, seconds, text, starts):  # type: ignore[no-untyped-def]
    """Return the name of each count: the parts of its value and its kind, with a zero byte between.

    Args: dimension, value, kind: of each count.      first, second: of each dimension where the texts of its first and
        its second part begin, -1: it has none.      seconds: how many values its second part has (1: none).
        text, starts: all texts end to end, ``padded``; those of the kinds come first.
    Returns: the bytes, ``padded``, and their n + 1 starts.
    """
    n, size = len(value), np.int64(0)
    places = np.empty((n, 3), np.int64)
    for k in range(n):
        d = dimension[k]
        places[k, 0] = first[d] + value[k] // seconds[d] if first[d] >= 0 else -1
        places[k, 1] = second[d] + value[k] % seconds[d] if second[d] >= 0 else -1
        places[k, 2] = kind[k]
        for p in range(3):
            place = places[k, p]
            size += starts[place + 1] - starts[place] + 1 if place >= 0 else 0
    out, ends, at = np.empty(size + 2 * WORD, np.uint8), np.zeros(n + 1, np.int64), np.int64(0)
    for k in range(n):
        for p in range(3):
            place = places[k, p]
            if place >= 0:
                copy(out, at, text, starts[place], starts[place + 1] - starts[place])
                at += starts[place + 1] - starts[place]
                if p < 2:
                    out[at] = 0
                    at += 1
        ends[k + 1] = at
    return out, ends


@njit(cache=True, nogil=True)
def hosts(text, starts):  # type: ignore[no-untyped-def]
    """Return the host of each ``text[starts[k]:starts[k + 1]]`` (slow twin: ``core.rows.activity.host_of``)."""
    n = len(starts) - 1
    out, ends, to = np.empty(starts[n] - starts[0] + WORD, np.uint8), np.zeros(n + 1, np.int64), np.int64(0)
    for k in range(n):
        first, end = starts[k], starts[k + 1]
        stop = _authority_end(text, first, end)
        after_scheme = stop == first or text[stop - 1] == 0x3A
        if stop + 1 < end and after_scheme and text[stop] == 0x2F and text[stop + 1] == 0x2F:
            first = stop + 2
            stop = _authority_end(text, first, end)
        for x in range(first, stop):
            if text[x] == 0x40:
                first = x + 1
        colon = stop - 1
        while colon >= first and 0x30 <= text[colon] <= 0x39:
            colon -= 1
        if colon >= first and text[colon] == 0x3A:
            stop = colon
        for x in range(first, stop):
            letter = text[x]
            out[to] = letter + 32 if 0x41 <= letter <= 0x5A else letter
            to += 1
        ends[k + 1] = to
    return out[:to], ends


@njit(cache=True, nogil=True)
def _authority_end(text, at, end):  # type: ignore[no-untyped-def]
    """Return where the first of / ? # or a backslash stands, or the end."""
    while at < end and text[at] != 0x2F and text[at] != 0x3F and text[at] != 0x23 and text[at] != 0x5C:
        at += 1
    return at
