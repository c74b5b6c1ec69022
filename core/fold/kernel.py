"""The fold of contract §3 over columns, compiled: the one that both layers run (slow twin: ``core.fold.slow``)."""

import numpy as np
from numba import njit

from core.fold.table_kernel import add, empty_table, grown, nonzero

DUPLICATE, WEIGHTLESS, REMOVED, RATED, EXCESSIVE = 0, 1, 2, 3, 4  # what became of an event; the last is rated too


@njit(cache=True, nogil=True)
def _known(ids, first, end, high, low):  # type: ignore[no-untyped-def]
    for k in range(first, end):  # noqa: SIM110 - numba compiles no generators
        if ids[k, 0] == high and ids[k, 1] == low:
            return True
    return False


@njit(cache=True, nogil=True)
def _drop(item, rating, time, n, at):  # type: ignore[no-untyped-def]
    for k in range(at, n - 1):
        item[k], rating[k], time[k] = item[k + 1], rating[k + 1], time[k + 1]
    return n - 1


@njit(cache=True, nogil=True)
def _expire(item, rating, time, n, oldest):  # type: ignore[no-untyped-def]
    kept = 0
    for k in range(n):
        if time[k] >= oldest:
            item[kept], rating[kept], time[kept] = item[k], rating[k], time[k]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _find(item, first, end, wanted):  # type: ignore[no-untyped-def]
    for k in range(first, end):
        if item[k] == wanted:
            return k
    return -1


@njit(cache=True, nogil=True)
def fold_kernel(  # type: ignore[no-untyped-def]
    starts, ev_item, ev_time, ev_weight, ev_id, ev_segment, ev_day, ev_cell,
    h_starts, h_item, h_rating, h_time, d_starts, d_id, s_day, s_starts, s_cell, s_number,
    keep, remember, window, most_counted, items,
):  # fmt: skip
    """Fold events ordered by user, then log order; ``starts`` (users + 1) delimits users.

    Deltas are keyed (segment * items + p) * items + q with p <= q; p = q is the item's norm.

    Returns: outcome per event; keys and amounts of the nonzero deltas; per user the new count, item, rating, time
    (users, N) and id count, how many of them are new, ids (users, D, 2); the day of each user's share, and its cells:
    users + 1 starts, cell and number.
    """
    users = len(starts) - 1
    outcome = np.zeros(len(ev_item), np.uint8)
    table, used = empty_table(1 << 12), 0
    count, id_count, fresh = np.zeros(users, np.int64), np.zeros(users, np.int64), np.zeros(users, np.int64)
    item, rating = np.zeros((users, keep), np.int64), np.zeros((users, keep), np.int64)
    time, ids = np.zeros((users, keep), np.int64), np.zeros((users, remember, 2), np.int64)
    # One user's at a time, and copied at the end: a part of a larger array would be counted each time it is used.
    u_item, u_rating, u_time = np.empty(keep + 1, np.int64), np.empty(keep + 1, np.int64), np.empty(keep + 1, np.int64)
    day, cell_starts = np.zeros(users, np.int64), np.zeros(users + 1, np.int64)
    cell, number = np.empty(len(s_cell) + len(ev_item), np.int64), np.empty(len(s_cell) + len(ev_item), np.int64)
    most = 0
    for u in range(users):
        most = max(most, starts[u + 1] - starts[u])
    u_ids = np.empty((remember + most, 2), np.int64)  # all of them; those in first:m count
    for u in range(users):
        n, first, m = h_starts[u + 1] - h_starts[u], 0, d_starts[u + 1] - d_starts[u]
        for k in range(n):
            at = h_starts[u] + k
            u_item[k], u_rating[k], u_time[k] = h_item[at], h_rating[at], h_time[at]
        for k in range(m):
            u_ids[k, 0], u_ids[k, 1] = d_id[d_starts[u] + k, 0], d_id[d_starts[u] + k, 1]
        mine, today, cells = cell_starts[u], s_day[u], s_starts[u + 1] - s_starts[u]
        for k in range(cells):
            cell[mine + k], number[mine + k] = s_cell[s_starts[u] + k], s_number[s_starts[u] + k]
        for e in range(starts[u], starts[u + 1]):
            if _known(u_ids, first, m, ev_id[e, 0], ev_id[e, 1]):
                continue
            u_ids[m, 0], u_ids[m, 1] = ev_id[e, 0], ev_id[e, 1]
            m += 1
            first = max(first, m - remember)
            fresh[u] = min(fresh[u] + 1, remember)
            weight, p = ev_weight[e], ev_item[e]
            if weight == 0:
                outcome[e] = WEIGHTLESS
                continue
            n = _expire(u_item, u_rating, u_time, n, ev_time[e] - window)
            at = _find(u_item, 0, n, p)
            old = u_rating[at] if at >= 0 else 0
            last = u_time[at] if at >= 0 else ev_time[e]
            if at >= 0:
                n = _drop(u_item, u_rating, u_time, n, at)
            new = max(old, weight) if weight > 0 else 0
            outcome[e] = RATED if weight > 0 else REMOVED
            if 2 * (used + n + 1) > len(table):
                table = grown(table)
            base = ev_segment[e] * items
            if new != old:
                used += add(table, (base + p) * items + p, new - old)
                for k in range(n):
                    q, r = u_item[k], u_rating[k]
                    amount = min(new, r) - min(old, r)
                    if amount != 0:
                        used += add(table, (base + min(p, q)) * items + max(p, q), amount)
            if weight > 0:
                u_item[n], u_rating[n], u_time[n] = p, new, max(last, ev_time[e])
                n += 1
                if n > keep:
                    n = _drop(u_item, u_rating, u_time, n, 0)
                if ev_day[e] > today:
                    today, cells = ev_day[e], 0
                at = _find(cell, mine, mine + cells, ev_cell[e])
                if at < 0:
                    at = mine + cells
                    cell[at], number[at] = ev_cell[e], 0
                    cells += 1
                if number[at] < most_counted:
                    number[at] += 1
                else:
                    outcome[e] = EXCESSIVE
        count[u], id_count[u] = n, m - first
        day[u], cell_starts[u + 1] = today, mine + cells
        for k in range(n):
            item[u, k], rating[u, k], time[u, k] = u_item[k], u_rating[k], u_time[k]
        for k in range(m - first):
            ids[u, k, 0], ids[u, k, 1] = u_ids[first + k, 0], u_ids[first + k, 1]
    keys, amounts = nonzero(table)
    state = count, item, rating, time, id_count, fresh, ids, day, cell_starts, cell, number
    return outcome, keys, amounts, state
