"""The head of a list after changes of a few scores, in compiled code; the slow twin is ``core.ranking.columns``."""

import numpy as np
from numba import njit

from core.codes.item_index import Text
from core.ranking.added_kernel import precedes
from core.ranking.columns import NOBODY, Columns
from core.ranking.table_kernel import empty_table, place


@njit(cache=True, nogil=True)
def _moved(codes, scores, changed, new, letters, starts):  # type: ignore[no-untyped-def]
    table = empty_table(len(changed))
    for code in changed:
        table[place(table, code)] = code
    last, order, inside = len(codes) - 1, np.empty(len(changed), np.int64), 0
    for k in range(len(changed)):  # sorted by insertion: they are few
        after = last >= 0 and precedes(scores[last], codes[last], new[k], changed[k], letters, starts)
        if new[k] > 0 and not after:
            at = inside
            while at > 0:
                before = order[at - 1]
                if precedes(new[before], changed[before], new[k], changed[k], letters, starts):
                    break
                order[at] = before
                at -= 1
            order[at] = k
            inside += 1
    out, values, n, next_one = np.empty(len(codes) + inside, np.int64), np.empty(len(codes) + inside), 0, 0
    for k in range(len(codes)):
        if table[place(table, codes[k])] != NOBODY:
            continue
        while next_one < inside:
            moving = order[next_one]
            if not precedes(new[moving], changed[moving], scores[k], codes[k], letters, starts):
                break
            out[n], values[n] = changed[moving], new[moving]
            n += 1
            next_one += 1
        out[n], values[n] = codes[k], scores[k]
        n += 1
    for at in range(next_one, inside):
        out[n], values[n] = changed[order[at]], new[order[at]]
        n += 1
    return out[:n], values[:n]


def moved(head: Columns, changed: Columns, text: Text) -> Columns:
    return Columns(*_moved(*head, *changed, *text))
