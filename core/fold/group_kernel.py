"""Ordering by two small integers, and a symmetric matrix by rows, in linear time."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _pass(keys, order, out, size):  # type: ignore[no-untyped-def]
    """Sort ``order`` by ``keys[order]``, all below ``size``: one stable counting sort."""
    at = np.zeros(size + 1, np.int64)
    for k in keys:
        at[k + 1] += 1
    for k in range(size):
        at[k + 1] += at[k]
    for source in order:
        key = keys[source]
        out[at[key]] = source
        at[key] += 1


@njit(cache=True, nogil=True)
def order_by(row, code, rows, codes):  # type: ignore[no-untyped-def]
    """Return the order by (row, code), rows below ``rows`` and codes below ``codes``; stable."""
    first, then = np.empty(len(row), np.int64), np.empty(len(row), np.int64)
    _pass(code, np.arange(len(row)), first, codes)
    _pass(row, first, then, rows)
    return then


@njit(cache=True, nogil=True)
def of_segment(keys, amounts, segment, items):  # type: ignore[no-untyped-def]
    """Return the deltas of one segment from a table with keys (segment * items + p) * items + q, p <= q.

    Returns: the item and the amount of each norm (p = q), then p, q and the amount of each pair.
    """
    first, n, m = segment * items, 0, 0
    place, q = np.empty(len(keys), np.int32), np.empty(len(keys), np.int32)
    for k in range(len(keys)):
        row = keys[k] // items
        inside = first <= row < first + items
        place[k], q[k] = row - first if inside else -1, keys[k] - row * items
        n += inside and place[k] == q[k]
        m += inside and place[k] != q[k]
    item, norm = np.empty(n, np.int64), np.empty(n, np.int64)
    low, high, amount = np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m, np.int64)
    n = m = 0
    for k in range(len(keys)):
        if place[k] == q[k]:
            item[n], norm[n] = q[k], amounts[k]
            n += 1
        elif place[k] >= 0:
            low[m], high[m], amount[m] = place[k], q[k], amounts[k]
            m += 1
    return item, norm, low, high, amount


@njit(cache=True, nogil=True)
def symmetric_rows(p, q, amount, items):  # type: ignore[no-untyped-def]
    """Return rows of a symmetric matrix given above its diagonal: (p, q) with p < q, each once.

    Returns: items + 1 starts of the rows, and for each row its (code, amount) by ascending code.
    """
    n = len(p)
    starts = np.zeros(items + 1, np.int64)
    for k in range(n):
        starts[p[k] + 1] += 1
        starts[q[k] + 1] += 1
    for k in range(items):
        starts[k + 1] += starts[k]
    by_q, order = np.empty(n, np.int32), np.empty(n, np.int32)
    _pass(q, np.arange(n).astype(np.int32), by_q, items)
    _pass(p, by_q, order, items)
    at = starts[:-1].copy()
    code, amounts = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64)
    # By p, then q: a row gets what lies before its diagonal first, and either side in ascending order.
    for pair in order:
        row, column = p[pair], q[pair]
        code[at[row]], amounts[at[row]] = column, amount[pair]
        code[at[column]], amounts[at[column]] = row, amount[pair]
        at[row] += 1
        at[column] += 1
    return starts, code, amounts
