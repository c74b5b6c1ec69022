"""Ranking over columns of item codes in compiled code; ``columns`` is the slow twin, whose words hold here too."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.codes.item_index import ItemIndex, Text
from core.codes.sums_columns_kernel import standing_parts as standing_parts
from core.codes.sums_columns_kernel import summed_parts as summed_parts
from core.ranking import feature_kernel
from core.ranking.added_kernel import nearest_rows as nearest_rows
from core.ranking.added_kernel import precedes
from core.ranking.columns import LEFT_OUT, NOBODY, Columns, Stacked
from core.ranking.feature_kernel import features as features
from core.ranking.feature_kernel import strongest as strongest
from core.ranking.feature_kernel import weighed as weighed
from core.ranking.head_kernel import moved as moved
from core.ranking.product_kernel import added_rows as added_rows
from core.ranking.product_kernel import column_of as column_of
from core.ranking.product_kernel import predicted as predicted
from core.ranking.related import Rows
from core.ranking.related_kernel import contributions as contributions
from core.ranking.related_kernel import related as related
from core.ranking.related_kernel import summed as summed
from core.ranking.scores import TIE_DECIMALS
from core.ranking.table_kernel import empty_table, place
from core.rows.codec import pack_seen, pack_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SCALE = float(10**TIE_DECIMALS)
SPLITTER = float(2**27 + 1)  # halves a number of 53 bits (Dekker 1971)


@njit(cache=True, nogil=True)
def _added_up(codes, shares):  # type: ignore[no-untyped-def]
    """Return codes that are not left out in order of first appearance, and the sums of their shares."""
    table = empty_table(len(codes))
    slot = np.empty(len(table), np.int64)
    out, sums, n = np.empty(len(codes), np.int64), np.empty(len(codes), np.float64), 0
    for k in range(len(codes)):
        if shares[k] != LEFT_OUT:
            at = place(table, codes[k])
            if table[at] == NOBODY:
                table[at], slot[at], out[n], sums[n] = codes[k], n, codes[k], 0.0
                n += 1
            sums[slot[at]] += shares[k]
    return out[:n], sums[:n]


@njit(cache=True, nogil=True)
def _shares(codes, scores, starts, weights, excluded, also):  # type: ignore[no-untyped-def]
    banned, out = empty_table(len(excluded)), np.full(len(codes), LEFT_OUT)
    for code in excluded:
        banned[place(banned, code)] = code
    best = np.zeros(len(weights), np.float64)
    present = 0.0
    for source in range(len(weights)):
        for k in range(starts[source], starts[source + 1]):
            if scores[k] > 0 and banned[place(banned, codes[k])] == NOBODY:
                out[k] = scores[k]
                best[source] = max(best[source], scores[k])
        if best[source] > 0:
            present += weights[source]
    for source in range(len(weights)):
        if best[source] > 0:
            for k in range(starts[source], starts[source + 1]):
                if codes[k] == also and scores[k] > 0:
                    out[k] = min(scores[k], best[source])
                if out[k] != LEFT_OUT:
                    out[k] = weights[source] * out[k] / best[source] / present
    return out


def shares(stacked: Stacked, weights: Floats, excluded: Ints, also: int = NOBODY) -> Floats:
    out: Floats = _shares(*stacked, weights, excluded, also)
    return out


def totals(codes: Ints, shares: Floats) -> Columns:
    return Columns(*_added_up(codes, shares))


@njit(cache=True, nogil=True)
def _whole(score):  # type: ignore[no-untyped-def]
    """Return the score in units of the last decimal that counts, rounded exactly, ties to even, like ``round``."""
    product = score * SCALE
    below = np.floor(product)
    beyond = product - below - 0.5
    if abs(beyond) > 1e-3 * (1 + product * 1e-12):
        return below + 1 if beyond > 0 else below
    a = SPLITTER * score  # the error of the product, exactly (Dekker 1971)
    high = a - (a - score)
    low = score - high
    b = SPLITTER * SCALE
    scale_high = b - (b - SCALE)
    scale_low = SCALE - scale_high
    error = ((high * scale_high - product) + high * scale_low + low * scale_high) + low * scale_low
    if beyond == -error:
        return below if below % 2 == 0 else below + 1
    return below + 1 if beyond > -error else below


@njit(cache=True, nogil=True)
def _sink(heap, keys, at, n, codes, letters, starts):  # type: ignore[no-untyped-def]
    """Let the entry at ``at`` sink in a heap whose root is the last in order."""
    while True:
        last = at
        for child in (2 * at + 1, 2 * at + 2):
            if child < n:
                a, b = heap[last], heap[child]
                if precedes(keys[a], codes[a], keys[b], codes[b], letters, starts):
                    last = child
        if last == at:
            return
        heap[at], heap[last] = heap[last], heap[at]
        at = last


@njit(cache=True, nogil=True)
def _first(scores, codes, wanted, letters, starts, rounded):  # type: ignore[no-untyped-def]
    n = min(wanted, len(codes))
    keys, heap = np.empty(len(codes), np.float64), np.arange(n)
    for k in range(n):
        keys[k] = _whole(scores[k]) if rounded else scores[k]
    for at in range(n // 2 - 1, -1, -1):
        _sink(heap, keys, at, n, codes, letters, starts)
    for k in range(n, len(codes) if n > 0 else 0):
        root = heap[0]
        if scores[k] < scores[root] - 1e-9:  # far from equal to it: most are
            continue
        keys[k] = _whole(scores[k]) if rounded else scores[k]
        if precedes(keys[k], codes[k], keys[root], codes[root], letters, starts):
            heap[0] = k
            _sink(heap, keys, 0, n, codes, letters, starts)
    for end in range(n - 1, 0, -1):
        heap[0], heap[end] = heap[end], heap[0]
        _sink(heap, keys, 0, end, codes, letters, starts)
    return heap


def first(scored: Columns, wanted: int, text: Text, rounded: bool) -> Ints:
    out: Ints = _first(scored.scores, scored.codes, wanted, *text, rounded)
    return out


def load() -> None:
    """Load the compiled code: every function computes something small in the types of real questions."""
    codes, floats, starts = np.zeros(1, np.int64), np.ones(1), np.array([0, 1])
    text = Text(np.zeros(8, np.uint8), np.zeros(2, np.int64))
    feature_kernel.load()
    known = related(Rows(codes, codes, codes, starts, codes, codes), 0.0)
    summed(known, floats)
    contributions(known, floats, codes)
    totals(codes, shares(Stacked(codes, floats, starts), floats, codes))
    first(Columns(codes, floats), 1, text, True)
    moved(Columns(codes, floats), Columns(codes, floats), text)
    index, row = ItemIndex(), pack_sums([(b"a", 1)])
    summed_parts([row, row], index)
    standing_parts([pack_seen([(b"a", 1, 1)])] * 2, index)
    for order in ("C", "F"):
        predicted(np.ones((2, 8), np.float32, order=order), codes, np.ones(8))
    entries = starts, codes.astype(np.int32), floats.astype(np.float32), codes
    added_rows(*entries, floats, 1)
    column_of(*entries, 0)
    nearest_rows([((codes, codes), [row])], 1, index)
