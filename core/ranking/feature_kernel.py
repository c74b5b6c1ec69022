"""What a learned blend knows of each candidate, in compiled code; ``features`` is the slow twin."""

import numpy as np
from numba import njit

from core.ranking.columns import NOBODY, Floats, Ints, Stacked
from core.ranking.features import PER_SIGNAL, PLACES, RANKS, Features
from core.ranking.greatest_kernel import greatest
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
    out, n, m = np.empty(most, np.int64), 0, 0
    row_of, shares, own_ranks, ends = np.empty(most, np.int64), np.empty(most), np.empty(most), np.zeros_like(starts)
    allowed, known = np.empty(len(codes), np.bool_), np.empty(len(codes))
    for signal in range(signals):
        begin, end, count = starts[signal], starts[signal + 1], 0
        for k in range(begin, end):
            allowed[k] = scores[k] > 0 and banned[place(banned, codes[k])] == NOBODY
            if allowed[k]:
                known[count] = scores[k]
                count += 1
        if count:
            falling = greatest(known[:count], places)
            least, equal = falling[-1], len(falling) - _greater(falling, falling[-1])
            before, inside_before = 0, 0
            for k in range(begin, end):
                score = scores[k]
                inside = allowed[k] and score >= least
                if inside and score == least:
                    inside = equal > 0
                    equal -= 1
                rank = places
                if inside and falling[before] == score:  # most lists come in order
                    rank = before
                elif inside and falling[inside_before] == score and falling[inside_before - 1] > score:
                    rank = inside_before
                elif inside or (codes[k] == also and score > 0):
                    rank = _greater(falling, score)
                if inside:
                    before, inside_before = rank, inside_before + 1
                if rank < places:
                    at = place(table, codes[k])
                    if table[at] == NOBODY:
                        table[at], slot[at], out[n] = codes[k], n, codes[k]
                        n += 1
                    row_of[m], shares[m], own_ranks[m] = slot[at], min(1.0, score / falling[0]), ranks[rank]
                    m += 1
        ends[signal + 1] = m
    return out[:n], row_of[:m], shares[:m], own_ranks[:m], ends


def features(stacked: Stacked, excluded: Ints, also: int = NOBODY) -> Features:
    return Features(*_features(*stacked, excluded, also, PLACES, RANKS))


@njit(cache=True, nogil=True)
def _weighed(n, rows, shares, ranks, starts, weights):  # type: ignore[no-untyped-def]
    sums = np.zeros(n)
    for signal in range(len(starts) - 1):
        share, rank, presence = weights[3 * signal], weights[3 * signal + 1], weights[3 * signal + 2]
        for k in range(starts[signal], starts[signal + 1]):
            sums[rows[k]] = sums[rows[k]] + shares[k] * share + ranks[k] * rank + presence
    return sums


def weighed(known: Features, weights: Floats) -> Floats:
    out: Floats = _weighed(len(known.codes), known.rows, known.shares, known.ranks, known.starts, weights)
    return out


@njit(cache=True, nogil=True)
def _strongest(n, rows, shares, ranks, starts, asked, weights, scores, source_of, sources):  # type: ignore[no-untyped-def]
    place_of = np.full(n, NOBODY)
    for k in range(len(asked)):
        place_of[asked[k]] = k
    speaking, number = np.zeros((len(asked), sources)), np.zeros(len(asked), np.int64)
    order, said = np.empty((len(asked), sources), np.int64), np.zeros((len(asked), sources), np.bool_)
    for signal in range(len(starts) - 1):
        share, rank, presence = weights[3 * signal], weights[3 * signal + 1], weights[3 * signal + 2]
        source = source_of[signal]
        for k in range(starts[signal], starts[signal + 1]):
            at = place_of[rows[k]]
            if at != NOBODY:
                if not said[at, source]:
                    said[at, source], order[at, number[at]] = True, source
                    number[at] += 1
                speaking[at, source] += (shares[k] * share + ranks[k] * rank) + presence
    out = np.full(len(asked), NOBODY)
    for at in range(len(asked)):
        whole, any_above, best = 0.0, False, -1.0
        for k in range(number[at]):
            any_above |= speaking[at, order[at, k]] > 0
        for k in range(number[at]):
            own = speaking[at, order[at, k]] if any_above else 1.0
            whole += own if own > 0 else 0.0
        for k in range(number[at]):
            own = speaking[at, order[at, k]] if any_above else 1.0
            if own > 0 and scores[at] * own / whole > best:
                best, out[at] = scores[at] * own / whole, order[at, k]
    return out


def strongest(known: Features, asked: Ints, weights: Floats, scores: Floats, source_of: Ints, sources: int) -> Ints:
    entries = known.rows, known.shares, known.ranks, known.starts
    out: Ints = _strongest(len(known.codes), *entries, asked, weights, scores, source_of, sources)
    return out


def load() -> None:
    """Load the compiled code in the types of real questions."""
    codes = np.zeros(1, np.int64)
    known = features(Stacked(codes, np.ones(1), np.array([0, 1])), codes[:0])
    weighed(known, np.ones(PER_SIGNAL))
    strongest(known, codes, np.ones(PER_SIGNAL), np.ones(1), codes, 1)
