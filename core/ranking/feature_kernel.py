"""What a learned blend knows of each candidate, in compiled code; ``features`` is the slow twin."""

import numpy as np
from numba import njit

from core.ranking.columns import NOBODY, Floats, Ints, Stacked
from core.ranking.features import PER_SIGNAL, PLACES, RANKS, Features
from core.ranking.table_kernel import empty_table, place


@njit(cache=True, nogil=True)
def _greater(falling, score):  # type: ignore[no-untyped-def]
    """Return how many of the scores, greatest first, are greater."""
    low, high = 0, len(falling)
    while low < high:
        middle = (low + high) // 2
        if falling[middle] > score:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _features(codes, scores, starts, excluded, also, places, ranks):  # type: ignore[no-untyped-def]
    banned = empty_table(len(excluded))
    for code in excluded:
        banned[place(banned, code)] = code
    signals = len(starts) - 1
    most = min(len(codes), signals * (places + 1))
    table = empty_table(most)
    slot = np.empty(len(table), np.int64)
    out, values, n = np.empty(most, np.int64), np.zeros((most, signals * PER_SIGNAL)), 0
    for signal in range(signals):
        begin, end = starts[signal], starts[signal + 1]
        known, allowed = np.empty(end - begin), 0
        for k in range(begin, end):
            if scores[k] > 0 and banned[place(banned, codes[k])] == NOBODY:
                known[allowed] = scores[k]
                allowed += 1
        if allowed == 0:
            continue
        first = known[:allowed]
        if allowed > places:
            first = np.partition(first, allowed - places)[allowed - places :]
        falling = np.sort(first)[::-1]
        least, equal = falling[-1], len(falling) - _greater(falling, falling[-1])
        for k in range(begin, end):
            score = scores[k]
            inside = score > 0 and banned[place(banned, codes[k])] == NOBODY and score >= least
            if inside and score == least:
                inside = equal > 0
                equal -= 1
            rank = _greater(falling, score) if inside or (codes[k] == also and score > 0) else places
            if rank < places:
                at = place(table, codes[k])
                if table[at] == NOBODY:
                    table[at], slot[at], out[n] = codes[k], n, codes[k]
                    n += 1
                row, column = slot[at], PER_SIGNAL * signal
                values[row, column] = min(1.0, score / falling[0])
                values[row, column + 1] = ranks[rank]
                values[row, column + 2] = 1.0
    return out[:n], values[:n]


def features(stacked: Stacked, excluded: Ints, also: int = NOBODY) -> Features:
    return Features(*_features(*stacked, excluded, also, PLACES, RANKS))


@njit(cache=True, nogil=True)
def _weighed(values, weights):  # type: ignore[no-untyped-def]
    sums = np.zeros(len(values))
    for row in range(len(values)):
        total = 0.0
        for column in range(len(weights)):
            total += values[row, column] * weights[column]
        sums[row] = total
    return sums


def weighed(values: Floats, weights: Floats) -> Floats:
    out: Floats = _weighed(values, weights)
    return out


def load() -> None:
    """Load the compiled code in the types of real questions."""
    codes = np.zeros(1, np.int64)
    known = features(Stacked(codes, np.ones(1), np.array([0, 1])), codes[:0])
    weighed(known.values, np.ones(PER_SIGNAL))
