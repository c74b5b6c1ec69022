"""Sums over the co-ratings of a history in compiled code; ``related`` is the slow twin, whose words hold here too."""

import numpy as np
from numba import njit

from core.ranking.columns import NOBODY, Columns, Floats, Ints
from core.ranking.related import Related, Rows
from core.ranking.table_kernel import empty_table, place
from schemas.event import WEIGHT_SCALE


@njit(cache=True, nogil=True)
def _score(amount, own_norm, norm, shrink):  # type: ignore[no-untyped-def]
    """Return ``core.ranking.scores.similarity`` of one neighbour."""
    product = np.float64(own_norm) * np.float64(norm)
    if product <= 0 or amount <= 0:
        return 0.0
    pair = np.float64(amount)
    return min(1.0, pair / np.sqrt(product)) * (pair / (pair + shrink))


@njit(cache=True, nogil=True)
def _related(codes, amounts, norms, starts, own, own_norms, shrink):  # type: ignore[no-untyped-def]
    table = empty_table(len(codes))
    place_of = np.empty(len(table), np.int64)
    out, places, scores, n = np.empty(len(codes), np.int64), np.empty(len(codes), np.int64), np.empty(len(codes)), 0
    for row in range(len(own)):
        for k in range(starts[row], starts[row + 1]):
            scores[k], places[k] = _score(amounts[k], own_norms[row], norms[k], shrink), NOBODY
            if scores[k] > 0 and codes[k] != own[row]:
                at = place(table, codes[k])
                if table[at] == NOBODY:
                    table[at], place_of[at], out[n] = codes[k], n, codes[k]
                    n += 1
                places[k] = place_of[at]
    return out[:n], places, scores


def related(rows: Rows, shrinkage: float) -> Related:
    codes, places, scores = _related(*rows, shrinkage * WEIGHT_SCALE)
    return Related(codes, places, scores, rows.starts, rows.own)


@njit(cache=True, nogil=True)
def _summed(codes, places, scores, starts, weights):  # type: ignore[no-untyped-def]
    sums, out, n = np.zeros(len(codes)), np.empty(len(codes), np.int64), 0
    for row in range(len(weights)):
        for k in range(starts[row], starts[row + 1]):
            if places[k] != NOBODY:
                sums[places[k]] += scores[k] * weights[row]
    for k in range(len(codes)):
        if sums[k] > 0:
            out[n], sums[n] = codes[k], sums[k]
            n += 1
    return out[:n], sums[:n]


def summed(known: Related, weights: Floats) -> Columns:
    return Columns(*_summed(known.codes, known.places, known.scores, known.starts, weights))


@njit(cache=True, nogil=True)
def _contributions(codes, places, scores, starts, own, weights, asked):  # type: ignore[no-untyped-def]
    table, wanted = empty_table(len(asked)), np.full(len(codes), NOBODY)
    place_of = np.empty(len(table), np.int64)
    for k in range(len(asked)):
        at = place(table, asked[k])
        table[at], place_of[at] = asked[k], k
    for k in range(len(codes)):
        at = place(table, codes[k])
        if table[at] != NOBODY:
            wanted[k] = place_of[at]
    most = len(asked) * len(own)
    of, items, shares, n = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most), 0
    for row in range(len(own)):
        for k in range(starts[row], starts[row + 1]):
            if places[k] != NOBODY and wanted[places[k]] != NOBODY:
                of[n], items[n], shares[n] = wanted[places[k]], own[row], scores[k] * weights[row]
                n += 1
    return of[:n], items[:n], shares[:n]


def contributions(known: Related, weights: Floats, codes: Ints) -> tuple[Ints, Ints, Floats]:
    of, items, shares = _contributions(*known, weights, codes)
    return of, items, shares
