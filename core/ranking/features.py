"""What a learned blend knows of each candidate, written to be read: the slow twin of ``feature_kernel``.

A signal is one ranking of candidates. It says three things of an item among its first ``PLACES`` allowed ones: its
score divided by the best one's, its rank, and that it is there at all. Of any other item it says nothing: three zeros.
So what is known of an item does not depend on how many candidates a signal was asked for beyond those places.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from core.ranking.columns import NOBODY, Floats, Ints, Stacked

PLACES = 200  # of a signal's allowed items; what lies beyond is in no list of ten
PER_SIGNAL = 3  # share of the best score, rank, presence
RANKS = 1 - np.log(np.arange(1, PLACES + 1)) / np.log(PLACES + 1)  # 1 for the first, near 0 for the last place


class Features(NamedTuple):
    """What is known of the items ``codes``, each of which occurs once: only what is not zero.

    ``rows``, ``shares`` and ``ranks`` are columns of entries, signal k having ``starts[k]`` to ``starts[k + 1]``:
    of the item ``codes[row]``, its share of the best score and its rank.
    """

    codes: Ints
    rows: Ints
    shares: Floats
    ranks: Floats
    starts: Ints

    def values(self, rows: Ints | None = None) -> Floats:
        """Return the features of those rows, of all by default: shape (rows, signals · ``PER_SIGNAL``)."""
        signals = len(self.starts) - 1
        place = np.full(len(self.codes), NOBODY)
        asked = np.arange(len(self.codes)) if rows is None else rows
        place[asked] = np.arange(len(asked))
        at = place[self.rows]
        entry = np.flatnonzero(at != NOBODY)
        signal = np.searchsorted(self.starts, entry, "right") - 1
        out = np.zeros((len(asked), signals, PER_SIGNAL))
        out[at[entry], signal, 0] = self.shares[entry]
        out[at[entry], signal, 1] = self.ranks[entry]
        out[at[entry], signal, 2] = 1.0
        return out.reshape(len(asked), signals * PER_SIGNAL)


Traits = Callable[[Features, Sequence[str]], Floats]  # (candidates, names) -> their traits, shape (items, names)


def no_traits(known: Features, names: Sequence[str]) -> Floats:
    """Return zeros: nobody knows more of an item than the signals say."""
    return np.zeros((len(known.codes), len(names)))


def features(stacked: Stacked, excluded: Ints, also: int = NOBODY) -> Features:
    """Return what the signals say of the items that any of them has among its first places, in order of appearance.

    Args: excluded: items that may not be listed.      also: an item to describe although it is excluded.
    """
    banned, signals = set(excluded.tolist()), len(stacked.starts) - 1
    row_of: dict[int, int] = {}
    entries, starts = list[tuple[int, float, float]](), [0]
    for signal in range(signals):
        own = range(*stacked.starts[signal : signal + 2].tolist())
        score = {k: float(stacked.scores[k]) for k in own if stacked.scores[k] > 0}
        allowed = [k for k in score if int(stacked.codes[k]) not in banned]
        first = sorted(allowed, key=lambda k: (-score[k], k))[:PLACES]
        falling = [-score[k] for k in first]
        named = {k for k in score if int(stacked.codes[k]) == also}
        for k in sorted({*first, *(named if first else ())}):
            rank = int(np.searchsorted(falling, -score[k]))
            if rank < PLACES:
                row = row_of.setdefault(int(stacked.codes[k]), len(row_of))
                entries.append((row, min(1.0, score[k] / -falling[0]), float(RANKS[rank])))
        starts.append(len(entries))
    rows, shares, ranks = zip(*entries, strict=True) if entries else ((), (), ())
    return Features(
        np.array(list(row_of), np.int64), np.array(rows, np.int64), np.array(shares, np.float64),
        np.array(ranks, np.float64), np.array(starts, np.int64),
    )  # fmt: skip


def weighed(known: Features, weights: Floats) -> Floats:
    """Return the sum of value · weight of each item, added up from the first signal on."""
    sums = [0.0] * len(known.codes)
    for signal, (begin, end) in enumerate(zip(known.starts.tolist(), known.starts[1:].tolist(), strict=False)):
        share, rank, presence = weights[PER_SIGNAL * signal : PER_SIGNAL * (signal + 1)].tolist()
        for k in range(begin, end):
            row = int(known.rows[k])
            sums[row] = sums[row] + float(known.shares[k]) * share + float(known.ranks[k]) * rank + presence
    return np.array(sums, np.float64)


def strongest(known: Features, asked: Ints, weights: Floats, scores: Floats, source_of: Ints, sources: int) -> Ints:
    """Return of each item the source that most of its score is due to, the first of equal ones; ``NOBODY``: no signal.

    Args: asked: the items' rows; each once.      scores: of them.      source_of: each signal's source, by number.
    """
    values, out = known.values(asked), np.full(len(asked), NOBODY)
    for at, (row, score) in enumerate(zip((values * weights).tolist(), scores.tolist(), strict=True)):
        speaking: dict[int, float] = {}
        for signal, source in enumerate(source_of.tolist()):
            share, rank, presence = row[PER_SIGNAL * signal : PER_SIGNAL * (signal + 1)]
            if values[at, PER_SIGNAL * signal + PER_SIGNAL - 1]:
                speaking[source] = speaking.get(source, 0.0) + (share + rank + presence)
        above = {source: own for source, own in speaking.items() if own > 0} or dict.fromkeys(speaking, 1.0)
        whole = 0.0
        for own in above.values():
            whole += own
        if above:
            out[at] = max(above, key=lambda source: score * above[source] / whole)
    return out


def foremost(known: Features, most: int) -> Ints:
    """Return the places of the ``most`` candidates with the best rank in any signal, of equal ones the first.

    Items of equal score in a signal, such as all that were touched once in an hour, have the mean of their ranks.
    """
    place, equal = _places(known)
    best = np.full(len(known.codes), np.inf)
    np.minimum.at(best, known.rows, place + (equal - 1) / 2)
    return np.argsort(best, kind="stable")[:most]


def chances(known: Features, most: int) -> Floats:
    """Return the chance of each entry's item to be among its signal's first ``most``; equal scores in any order."""
    place, equal = _places(known)
    out: Floats = np.clip((most - place) / equal, 0.0, 1.0)
    return out


def _places(known: Features) -> tuple[Ints, Ints]:
    """Return each entry's place in its signal, 0 for the first, and how many entries share it."""
    signal = np.repeat(np.arange(len(known.starts) - 1), np.diff(known.starts))
    place = np.rint(np.exp((1 - known.ranks) * np.log(PLACES + 1))).astype(np.int64) - 1
    cell = signal * PLACES + place
    return place, np.bincount(cell, minlength=1)[cell]
