"""Packed histories in compiled code: many users' rows to columns and back (format: ``core.codec``)."""

import numpy as np
from numba import njit

from core.bytes_kernel import get_int, get_uint, put_int, unit_of, unsigned_width, width_of
from core.codec import HISTORY_HEAD

HEAD = HISTORY_HEAD.size


@njit(cache=True, nogil=True)
def unpack_histories(buf, starts):  # type: ignore[no-untyped-def]
    """Rows ``buf[starts[u]:starts[u+1]]`` (empty: no history) to columns.

    Returns entry starts (users + 1), rating, last_time, name starts (entries + 1), names' bytes, id starts
    (users + 1) and ids (n, 2) as two 64-bit halves.
    """
    users = len(starts) - 1
    entry_starts, id_starts = np.zeros(users + 1, np.int64), np.zeros(users + 1, np.int64)
    for u in range(users):
        empty = starts[u + 1] == starts[u]
        entry_starts[u + 1] = entry_starts[u] + (0 if empty else get_uint(buf, starts[u], 2))
        id_starts[u + 1] = id_starts[u] + (0 if empty else get_uint(buf, starts[u] + 2, 2))
    rating, time = np.empty(entry_starts[users], np.int64), np.empty(entry_starts[users], np.int64)
    name_starts = np.zeros(entry_starts[users] + 1, np.int64)
    names, ids = np.empty(len(buf), np.uint8), np.empty((id_starts[users], 2), np.int64)
    used = 0
    for u in range(users):
        at = starts[u]
        if starts[u + 1] == at:
            continue
        first, n = entry_starts[u], entry_starts[u + 1] - entry_starts[u]
        first_id, m = id_starts[u], id_starts[u + 1] - id_starts[u]
        unit, width = get_uint(buf, at + 6, 2), np.int64(buf[at + 8])
        wide, long = np.int64(buf[at + 9]), np.int64(buf[at + 10])
        oldest = get_int(buf, at + 11, 8)
        times = at + HEAD + width * n
        at_ids = times + wide * n
        lengths = at_ids + 16 * m
        at_names = lengths + long * n
        for k in range(m):
            ids[first_id + k, 0] = get_int(buf, at_ids + 16 * k, 8)
            ids[first_id + k, 1] = get_int(buf, at_ids + 16 * k + 8, 8)
        for k in range(n):
            rating[first + k] = get_int(buf, at + HEAD + width * k, width) * unit
            time[first + k] = oldest + get_uint(buf, times + wide * k, wide)
            length = get_uint(buf, lengths + long * k, long)
            names[used : used + length] = buf[at_names : at_names + length]
            at_names, used = at_names + length, used + length
            name_starts[first + k + 1] = used
    return entry_starts, rating, time, name_starts, names[:used], id_starts, ids


@njit(cache=True, nogil=True)
def _shape(u, n, item, rating, time, name_starts):  # type: ignore[no-untyped-def]
    """Of one user's entries: unit, widths of rating, time and length, oldest time, bytes of all names."""
    oldest = newest = time[u, 0] if n else np.int64(0)
    text = high = np.int64(0)
    for k in range(n):
        oldest, newest = min(oldest, time[u, k]), max(newest, time[u, k])
        length = name_starts[item[u, k] + 1] - name_starts[item[u, k]]
        text, high = text + length, max(high, length)
    unit = unit_of(rating[u], 0, n)
    return unit, width_of(rating[u], 0, n, unit), unsigned_width(newest - oldest), unsigned_width(high), oldest, text


@njit(cache=True, nogil=True)
def pack_histories(users, count, item, rating, time, id_count, fresh, ids, name_starts, names):  # type: ignore[no-untyped-def]
    """The reverse, for the users listed: rows of ``item/rating/time`` (users, N) and ``ids`` (users, D, 2),
    of which only the last ``fresh`` ones are put in, the others being kept from the history before.

    Returns the packed bytes and their starts (one more than users listed).
    """
    starts = np.zeros(len(users) + 1, np.int64)
    for r in range(len(users)):
        u = users[r]
        n = count[u]
        _, width, wide, long, _, text = _shape(u, n, item, rating, time, name_starts)
        starts[r + 1] = starts[r] + HEAD + (width + wide + long) * n + 16 * fresh[u] + text
    out = np.empty(starts[len(users)], np.uint8)
    for r in range(len(users)):
        u, base = users[r], starts[r]
        n, m = count[u], fresh[u]
        kept = id_count[u] - m
        unit, width, wide, long, oldest, _ = _shape(u, n, item, rating, time, name_starts)
        put_int(out, base, n, 2)
        put_int(out, base + 2, m, 2)
        put_int(out, base + 4, kept, 2)
        put_int(out, base + 6, unit, 2)
        out[base + 8], out[base + 9], out[base + 10] = width, wide, long
        put_int(out, base + 11, oldest, 8)
        times = base + HEAD + width * n
        at_ids = times + wide * n
        lengths = at_ids + 16 * m
        at = lengths + long * n
        for k in range(m):
            put_int(out, at_ids + 16 * k, ids[u, kept + k, 0], 8)
            put_int(out, at_ids + 16 * k + 8, ids[u, kept + k, 1], 8)
        for k in range(n):
            c = item[u, k]
            length = name_starts[c + 1] - name_starts[c]
            put_int(out, base + HEAD + width * k, rating[u, k] // unit, width)
            put_int(out, times + wide * k, time[u, k] - oldest, wide)
            put_int(out, lengths + long * k, length, long)
            out[at : at + length] = names[name_starts[c] : name_starts[c + 1]]
            at += length
    return out, starts
