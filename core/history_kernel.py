"""Packed histories in compiled code: many users' rows to columns and back (format: ``core.codec``)."""

import numpy as np
from numba import njit

from core.sums_kernel import get_i64, get_u16, put_i64, put_u16


@njit(cache=True, nogil=True)
def unpack_histories(buf, starts):  # type: ignore[no-untyped-def]
    """Rows ``buf[starts[u]:starts[u+1]]`` (empty: no history) to columns.

    Returns entry starts (users + 1), rating, last_time, name starts (entries + 1), names' bytes, id starts
    (users + 1) and ids (n, 2) as two 64-bit halves.
    """
    users = len(starts) - 1
    entry_starts, id_starts = np.zeros(users + 1, np.int64), np.zeros(users + 1, np.int64)
    name_total = 0
    for u in range(users):
        n = m = 0
        if starts[u + 1] > starts[u]:
            n, m = get_u16(buf, starts[u]), get_u16(buf, starts[u] + 2)
            name_total += starts[u + 1] - starts[u] - 4 - 18 * n - 16 * m
        entry_starts[u + 1], id_starts[u + 1] = entry_starts[u] + n, id_starts[u] + m
    rating, time = np.empty(entry_starts[users], np.int64), np.empty(entry_starts[users], np.int64)
    name_starts = np.zeros(entry_starts[users] + 1, np.int64)
    names, ids = np.empty(name_total, np.uint8), np.empty((id_starts[users], 2), np.int64)
    used = 0
    for u in range(users):
        first, n = entry_starts[u], entry_starts[u + 1] - entry_starts[u]
        first_id, m = id_starts[u], id_starts[u + 1] - id_starts[u]
        at_ids = starts[u] + 4 + 16 * n
        at_lengths = at_ids + 16 * m
        at_names = at_lengths + 2 * n
        for k in range(m):
            ids[first_id + k, 0] = get_i64(buf, at_ids + 16 * k)
            ids[first_id + k, 1] = get_i64(buf, at_ids + 16 * k + 8)
        for k in range(n):
            rating[first + k] = get_i64(buf, starts[u] + 4 + 8 * k)
            time[first + k] = get_i64(buf, starts[u] + 4 + 8 * (n + k))
            length = get_u16(buf, at_lengths + 2 * k)
            names[used : used + length] = buf[at_names : at_names + length]
            at_names, used = at_names + length, used + length
            name_starts[first + k + 1] = used
    return entry_starts, rating, time, name_starts, names, id_starts, ids


@njit(cache=True, nogil=True)
def pack_histories(users, count, item, rating, time, id_count, ids, name_starts, names):  # type: ignore[no-untyped-def]
    """The reverse, for the users listed: rows of ``item/rating/time`` (users, N) and ``ids`` (users, D, 2).

    Returns the packed bytes and their starts (one more than users listed).
    """
    starts = np.zeros(len(users) + 1, np.int64)
    for r in range(len(users)):
        u = users[r]
        size = 4 + 18 * count[u] + 16 * id_count[u]
        for k in range(count[u]):
            size += name_starts[item[u, k] + 1] - name_starts[item[u, k]]
        starts[r + 1] = starts[r] + size
    out = np.empty(starts[len(users)], np.uint8)
    for r in range(len(users)):
        u, base = users[r], starts[r]
        n, m = count[u], id_count[u]
        put_u16(out, base, n)
        put_u16(out, base + 2, m)
        at_ids = base + 4 + 16 * n
        at_lengths = at_ids + 16 * m
        at = at_lengths + 2 * n
        for k in range(m):
            put_i64(out, at_ids + 16 * k, ids[u, k, 0])
            put_i64(out, at_ids + 16 * k + 8, ids[u, k, 1])
        for k in range(n):
            c = item[u, k]
            length = name_starts[c + 1] - name_starts[c]
            put_i64(out, base + 4 + 8 * k, rating[u, k])
            put_i64(out, base + 4 + 8 * (n + k), time[u, k])
            put_u16(out, at_lengths + 2 * k, length)
            out[at : at + length] = names[name_starts[c] : name_starts[c + 1]]
            at += length
    return out, starts
