"""What a learned blend knows of each candidate, written to be read: the slow twin of ``feature_kernel``.

A signal is one ranking of candidates. It says three things of an item among its first ``PLACES`` allowed ones: its
score divided by the best one's, its rank, and that it is there at all. Of any other item it says nothing: three zeros.
So what is known of an item does not depend on how many candidates a signal was asked for beyond those places.
"""

from typing import NamedTuple

import numpy as np

from core.ranking.columns import NOBODY, Floats, Ints, Stacked

PLACES = 200  # of a signal's allowed items; what lies beyond is in no list of ten
PER_SIGNAL = 3  # share of the best score, rank, presence
RANKS = 1 - np.log(np.arange(1, PLACES + 1)) / np.log(PLACES + 1)  # 1 for the first, near 0 for the last place


class Features(NamedTuple):
    """``values[k]`` of the item ``codes[k]``, shape (items, signals · ``PER_SIGNAL``); each code once."""

    codes: Ints
    values: Floats


def features(stacked: Stacked, excluded: Ints, also: int = NOBODY) -> Features:
    """Return what the signals say of the items that any of them has among its first places, in order of appearance.

    Args: excluded: items that may not be listed.      also: an item to describe although it is excluded.
    """
    banned, signals = set(excluded.tolist()), len(stacked.starts) - 1
    rows: dict[int, Floats] = {}
    for signal in range(signals):
        entries = range(*stacked.starts[signal : signal + 2].tolist())
        score = {k: float(stacked.scores[k]) for k in entries if stacked.scores[k] > 0}
        allowed = [k for k in score if int(stacked.codes[k]) not in banned]
        first = sorted(allowed, key=lambda k: (-score[k], k))[:PLACES]
        falling = [-score[k] for k in first]
        named = {k for k in score if int(stacked.codes[k]) == also}
        for k in sorted({*first, *(named if first else ())}):
            rank = int(np.searchsorted(falling, -score[k]))
            if rank < PLACES:
                row = rows.setdefault(int(stacked.codes[k]), np.zeros(signals * PER_SIGNAL))
                row[PER_SIGNAL * signal : PER_SIGNAL * (signal + 1)] = min(1.0, score[k] / -falling[0]), RANKS[rank], 1
    values = np.array(list(rows.values())) if rows else np.zeros((0, signals * PER_SIGNAL))
    return Features(np.array(list(rows), np.int64), values)


def weighed(values: Floats, weights: Floats) -> Floats:
    """Return the sum of value · weight of each row, added up from the first column on."""
    sums = np.zeros(len(values))
    for column, weight in enumerate(weights.tolist()):
        sums += values[:, column] * weight
    return sums
