"""What a learned blend knows of each candidate, in compiled code; ``features`` is the slow twin."""

import numpy as np
from numba import njit

from core.ranking.columns import NOBODY, Floats, Ints, Stacked
from core.ranking.features import PER_SIGNAL, PLACES, RANKS, Features
from core.ranking.greatest_kernel import make_heap, sink, sort_heap
from core.ranking.table_kernel import empty_rows, is_in, row_place, set_of


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
def _falling(codes, scores, begin, end, banned, room):  # type: ignore[no-untyped-def]
    """Return the greatest scores of a signal's allowed items, greatest first, as many as there is room for.

    Whether an item is banned is looked up only where its score would be among them. ``room`` holds what is returned.
    """
    n, in_order, least = 0, True, 0.0  # in order: as most lists come, and then ``room`` is no heap
    for k in range(begin, end):
        if not scores[k] > least or is_in(banned, codes[k]):
            continue
        if n < len(room):
            in_order &= n == 0 or scores[k] <= room[n - 1]
            room[n] = scores[k]
            n += 1
            if n < len(room):
                continue
            if in_order:
                least = room[n - 1]
                continue
            make_heap(room, n)
        else:
            if in_order:
                make_heap(room, n)
                in_order = False
            room[0] = scores[k]
            sink(room, 0, n)
        least = room[0]
    if not in_order:
        if n < len(room):
            make_heap(room, n)
        sort_heap(room, n)
    return room[:n]


@njit(cache=True, nogil=True)
def _features(codes, scores, starts, excluded, also, places, ranks):  # type: ignore[no-untyped-def]
    banned, signals = set_of(excluded), len(starts) - 1
    most = min(len(codes), signals * (places + 1))
    table, out, n, m = empty_rows(most), np.empty(most, np.int64), 0, 0
    row_of, shares, own_ranks, ends = np.empty(most, np.int64), np.empty(most), np.empty(most), np.zeros_like(starts)
    room = np.empty(places)
    for signal in range(signals):
        begin, end = starts[signal], starts[signal + 1]
        falling = _falling(codes, scores, begin, end, banned, room)
        if len(falling):
            least, equal = falling[-1], len(falling) - _greater(falling, falling[-1])
            before, inside_before = 0, 0
            for k in range(begin, end):
                score = scores[k]
                inside = score >= least and not is_in(banned, codes[k])
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
                elif also == NOBODY and inside_before == len(falling):
                    break
                if rank < places:
                    at = row_place(table, out, codes[k])
                    if table[at] == NOBODY:
                        table[at], out[n] = n, codes[k]
                        n += 1
                    row_of[m], shares[m], own_ranks[m] = table[at], min(1.0, score / falling[0]), ranks[rank]
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
