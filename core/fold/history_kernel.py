"""Packed histories in compiled code: converts many users' rows to columns and back (format: ``core.rows.codec``)."""

import numpy as np
from numba import njit

from core.bytes.word_kernel import WORD, copy, load, signed, store, unsigned
from core.rows.codec import HISTORY_END, HISTORY_HEAD
from core.rows.width_kernel import unit_of, unsigned_width, width_of

HEAD, END = HISTORY_HEAD.size, HISTORY_END.size


@njit(cache=True, nogil=True)
def unpack_histories(buf, starts):  # type: ignore[no-untyped-def]
    """Decode the rows ``buf[starts[u]:starts[u+1]]`` (empty: no history) to columns; ``buf`` is ``padded``.

    Returns entry starts (users + 1), rating, last_time, name starts (entries + 1), names' bytes, id starts
    (users + 1) and ids (n, 2) as two 64-bit halves.
    """
    users = len(starts) - 1
    entry_starts, id_starts = np.zeros(users + 1, np.int64), np.zeros(users + 1, np.int64)
    for u in range(users):
        empty = starts[u + 1] == starts[u]
        entry_starts[u + 1] = entry_starts[u] + (0 if empty else unsigned(buf, starts[u], 2))
        id_starts[u + 1] = id_starts[u] + (0 if empty else unsigned(buf, starts[u] + 2, 2))
    rating, time = np.empty(entry_starts[users], np.int64), np.empty(entry_starts[users], np.int64)
    name_starts = np.zeros(entry_starts[users] + 1, np.int64)
    names, ids = np.empty(len(buf) + WORD, np.uint8), np.empty((id_starts[users], 2), np.int64)
    used = 0
    for u in range(users):
        at = starts[u]
        if starts[u + 1] == at:
            continue
        first, n = entry_starts[u], entry_starts[u + 1] - entry_starts[u]
        first_id, m = id_starts[u], id_starts[u + 1] - id_starts[u]
        unit, width = unsigned(buf, at + 6, 2), np.int64(buf[at + 8])
        wide, long = np.int64(buf[at + 9]), np.int64(buf[at + 10])
        oldest = np.int64(load(buf, at + 11))
        times = at + HEAD + width * n
        at_ids = times + wide * n
        lengths = at_ids + 16 * m
        at_names = lengths + long * n
        for k in range(m):
            ids[first_id + k, 0] = np.int64(load(buf, at_ids + 16 * k))
            ids[first_id + k, 1] = np.int64(load(buf, at_ids + 16 * k + 8))
        for k in range(n):
            rating[first + k] = signed(buf, at + HEAD + width * k, width) * unit
            time[first + k] = oldest + unsigned(buf, times + wide * k, wide)
            length = unsigned(buf, lengths + long * k, long)
            copy(names, used, buf, at_names, length)
            at_names, used = at_names + length, used + length
            name_starts[first + k + 1] = used
    return entry_starts, rating, time, name_starts, names[:used], id_starts, ids


@njit(cache=True, nogil=True)
def unpack_shares(buf, starts):  # type: ignore[no-untyped-def]
    """Decode what the rows ``buf[starts[u]:starts[u+1]]`` (empty: no history) say of counted events.

    Returns each user's day, the starts (users + 1) of their cells, and each cell with its number.
    """
    users = len(starts) - 1
    day, cell_starts = np.zeros(users, np.int64), np.zeros(users + 1, np.int64)
    for u in range(users):
        end = starts[u + 1]
        empty = end == starts[u]
        day[u] = 0 if empty else unsigned(buf, end - END, 4)
        cell_starts[u + 1] = cell_starts[u] + (0 if empty else unsigned(buf, end - END + 4, 2))
    cell, number = np.empty(cell_starts[users], np.int64), np.empty(cell_starts[users], np.int64)
    for u in range(users):
        first, n = cell_starts[u], cell_starts[u + 1] - cell_starts[u]
        at = starts[u + 1] - END - 2 * n
        for k in range(n):
            cell[first + k], number[first + k] = buf[at + 2 * k], buf[at + 2 * k + 1]
    return day, cell_starts, cell, number


@njit(cache=True, nogil=True)
def _shape(u, n, item, rating, time, name_starts):  # type: ignore[no-untyped-def]
    """Return for one user's entries: unit, widths of rating, time and length, oldest time, bytes of all names."""
    oldest = newest = time[u, 0] if n else np.int64(0)
    text = high = np.int64(0)
    for k in range(n):
        oldest, newest = min(oldest, time[u, k]), max(newest, time[u, k])
        length = name_starts[item[u, k] + 1] - name_starts[item[u, k]]
        text, high = text + length, max(high, length)
    unit = unit_of(rating[u], 0, n)
    return unit, width_of(rating[u], 0, n, unit), unsigned_width(newest - oldest), unsigned_width(high), oldest, text


@njit(cache=True, nogil=True)
def pack_histories(  # type: ignore[no-untyped-def]
    users, count, item, rating, time, id_count, fresh, ids, day, cell_starts, cell, number, name_starts, names
):
    """Encode the histories of the users listed: rows of ``item/rating/time`` (users, N) and ``ids`` (users, D, 2).

    Only the last ``fresh`` ids are written; the others are kept from the earlier history. ``day``, ``cell_starts``,
    ``cell``, ``number``: as ``unpack_shares`` returns them. ``names`` is ``padded``.
    Each number is written as a word, whose end the next one covers.

    Returns the packed bytes and their starts (one more than users listed).
    """
    starts = np.zeros(len(users) + 1, np.int64)
    for r in range(len(users)):
        u = users[r]
        n = count[u]
        _, width, wide, long, _, text = _shape(u, n, item, rating, time, name_starts)
        cells = cell_starts[u + 1] - cell_starts[u]
        starts[r + 1] = starts[r] + HEAD + (width + wide + long) * n + 16 * fresh[u] + text + 2 * cells + END
    out = np.empty(starts[len(users)] + WORD, np.uint8)
    for r in range(len(users)):
        u, base = users[r], starts[r]
        n, m = count[u], fresh[u]
        kept = id_count[u] - m
        unit, width, wide, long, oldest, _ = _shape(u, n, item, rating, time, name_starts)
        store(out, base, np.uint64(n | (m << 16) | (kept << 32) | (unit << 48)))
        out[base + 8], out[base + 9], out[base + 10] = width, wide, long
        store(out, base + 11, np.uint64(oldest))
        at = base + HEAD
        for k in range(n):
            store(out, at, np.uint64(rating[u, k] // unit))
            at += width
        for k in range(n):
            store(out, at, np.uint64(time[u, k] - oldest))
            at += wide
        for k in range(kept, kept + m):
            store(out, at, np.uint64(ids[u, k, 0]))
            store(out, at + 8, np.uint64(ids[u, k, 1]))
            at += 16
        for k in range(n):
            store(out, at, np.uint64(name_starts[item[u, k] + 1] - name_starts[item[u, k]]))
            at += long
        for k in range(n):
            first, end = name_starts[item[u, k]], name_starts[item[u, k] + 1]
            copy(out, at, names, first, end - first)
            at += end - first
        for k in range(cell_starts[u], cell_starts[u + 1]):
            out[at], out[at + 1] = cell[k], number[k]
            at += 2
        store(out, at, np.uint64(day[u] | (cell_starts[u + 1] - cell_starts[u]) << 32))
    return out[: starts[len(users)]], starts
