"""Ranking over columns of item codes, written to be read: the slow twin of ``column_kernel``, which answers alike.

Codes are those of one ``ItemIndex``. Every function is pure and takes and returns arrays, so that either twin will do.
"""

from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.codes.item_index import ItemIndex, Text
from core.codes.sums_columns import Amounts
from core.codes.sums_columns import standing_parts as standing_parts
from core.codes.sums_columns import summed_parts as summed_parts
from core.ranking.scores import TIE_DECIMALS

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
NOBODY = -1  # in the place of a code: no item
LEFT_OUT = -1.0  # in the place of a share


class Columns(NamedTuple):
    """Items and their scores, in columns of equal length; each code occurs once."""

    codes: Ints
    scores: Floats

    @staticmethod
    def of(scores: dict[int, float]) -> "Columns":
        """Return the columns of scores by code."""
        return Columns(np.array(list(scores), np.int64), np.array(list(scores.values()), np.float64))


NOTHING = Columns(np.zeros(0, np.int64), np.zeros(0))


def among(codes: Ints, asked: Sequence[int] | Ints) -> NDArray[np.bool_]:
    """Return whether each code is one of those asked for: ``np.isin``, which sorts, takes ten times as long for few.

    Args: codes: 0 or more.      asked: those, and ``NOBODY``.
    """
    wanted = np.asarray(asked, np.int64)
    table = np.zeros(max(int(codes.max(initial=0)), int(wanted.max(initial=0))) + 1, np.bool_)
    table[wanted[wanted != NOBODY]] = True
    own: NDArray[np.bool_] = table[codes]
    return own


class Stacked(NamedTuple):
    """Several sources end to end: those of source k lie from ``starts[k]`` to ``starts[k + 1]``."""

    codes: Ints
    scores: Floats
    starts: Ints

    @staticmethod
    def of(columns: Sequence[Columns]) -> "Stacked":
        """Return the columns end to end."""
        codes, scores = [codes for codes, _ in columns], [scores for _, scores in columns]
        starts = np.array([*accumulate(map(len, codes), initial=0)], np.int64)
        if not columns:
            return Stacked(np.zeros(0, np.int64), np.zeros(0), starts)
        return Stacked(np.concatenate(codes), np.concatenate(scores), starts)


def shares(stacked: Stacked, weights: Floats, excluded: Ints, also: int = NOBODY) -> Floats:
    """Return what each entry adds to its item's blended score; ``LEFT_OUT`` for entries that are not allowed.

    Each source is divided by its greatest score of an allowed item and weighted. Sources without an allowed item leave
    their weight to the others.

    Args: excluded: items that may not be listed.      also: an item to score like the others although it is excluded.
    """
    banned, out = set(excluded.tolist()), np.full(len(stacked.codes), LEFT_OUT)
    named, present = list[tuple[float, float, dict[int, float]]](), 0.0
    for source, weight in enumerate(weights.tolist()):
        entries = range(*stacked.starts[source : source + 2].tolist())
        scores = {k: float(stacked.scores[k]) for k in entries if stacked.scores[k] > 0}
        allowed = {k: score for k, score in scores.items() if int(stacked.codes[k]) not in banned}
        if not allowed:
            continue
        present += weight
        best = max(allowed.values())
        named.append((weight, best, allowed | {k: min(s, best) for k, s in scores.items() if stacked.codes[k] == also}))
    for weight, best, allowed in named:
        for k, score in allowed.items():
            out[k] = weight * score / best / present
    return out


def totals(codes: Ints, shares: Floats) -> Columns:
    """Return the items that are not left out, and the sums of their shares in the given order."""
    sums = dict[int, float]()
    for code, share in zip(codes.tolist(), shares.tolist(), strict=True):
        if share != LEFT_OUT:
            sums[code] = sums.get(code, 0.0) + share
    return Columns.of(sums)


def first(scored: Columns, wanted: int, text: Text, rounded: bool) -> Ints:
    """Return the places of the first ``wanted`` items, by score descending, then by the name's bytes.

    Args: text: the names by code.      rounded: scores (0 to 1,000) that agree to 12 decimals count as equal.
    """

    def name(place: int) -> bytes:
        return name_of(text, int(scored.codes[place]))

    def key(place: int) -> float:
        score = float(scored.scores[place])
        return round(score, TIE_DECIMALS) if rounded else score

    places = list[int]()
    falling = np.argsort(-scored.scores).tolist()  # and so do the rounded ones: equal ones are neighbours
    for _, equal in groupby(falling, key):
        if len(places) >= wanted:
            break
        places += sorted(equal, key=name)
    return np.array(places[:wanted], np.int64)


def moved(head: Columns, changed: Columns, text: Text) -> Columns:
    """Return the head of a list, in order, after the scores of some items changed; 0: no longer in the list.

    What followed the head's last item still does, unless it changed: so those that changed and follow it, too, are left
    out, and the head may get shorter.

    Args: head: by score descending, then by the name's bytes.      changed: each item once, in any order.
    """

    def key(entry: tuple[int, float]) -> tuple[float, bytes]:
        return -entry[1], name_of(text, entry[0])

    before = list(zip(head.codes.tolist(), head.scores.tolist(), strict=True))
    new = dict(zip(changed.codes.tolist(), changed.scores.tolist(), strict=True))
    staying = [entry for entry in before if entry[0] not in new]
    inside = [entry for entry in new.items() if entry[1] > 0 and (not before or key(entry) <= key(before[-1]))]
    return Columns.of(dict(sorted([*staying, *inside], key=key)))


def predicted(factors: Floats32, rows: Ints, vector: Floats) -> Floats:
    """Return the products of those rows with the vector, exact but for 64-bit rounding.

    Equal rows have equal products, wherever they stand.
    """
    products: Floats = (factors[rows].astype(np.float64) * vector).sum(axis=1)
    return products


def ranges(starts: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Return the places of the entries of those rows, end to end, and which of ``rows`` each is of."""
    sizes = starts[rows + 1] - starts[rows]
    of = np.repeat(np.arange(len(rows)), sizes)
    return np.arange(len(of)) - np.repeat(np.cumsum(sizes) - sizes - starts[rows], sizes), of


def added_rows(
    starts: Ints, targets: NDArray[np.int32], values: Floats32, rows: Ints, scales: Floats, size: int
) -> Columns:
    """Return the sum of scale · value for each target of those sparse rows, targets ascending.

    Args:
        starts: Where the entries of each row begin.      targets: Of the entries, below ``size``.
        values: Of the entries; none: each is 1.      scales: One for each of ``rows``.
    """
    places, of = ranges(starts, rows)
    products = scales[of] * values[places].astype(np.float64) if len(values) else scales[of]
    sums: Floats = np.bincount(targets[places], weights=products, minlength=size).astype(np.float64, copy=False)
    present = np.unique(targets[places]).astype(np.int64)
    return Columns(present, sums[present])


def column_of(starts: Ints, targets: NDArray[np.int32], values: Floats32, rows: Ints, target: int) -> Floats:
    """Return what each of those sparse rows has at that target, where it occurs once at most; 0 without an entry.

    Args: as of ``added_rows``.
    """
    places, of = ranges(starts, rows)
    there = targets[places] == target
    out = np.zeros(len(rows))
    out[of[there]] = values[places[there]] if len(values) else 1.0
    return out


def nearest_rows(
    rows: Sequence[tuple[Amounts, Sequence[bytes]]], most: int, index: ItemIndex
) -> list[tuple[Amounts, Amounts]]:
    """Return of each row its sums with packed ones added, without amounts of 0, ascending by name; and their ``cut``.

    Args: rows: sums, as it returns them, and parts, whose new names get codes.
    """
    return [_nearest_sums(sums, parts, most, index) for sums, parts in rows]


def _nearest_sums(sums: Amounts, parts: Sequence[bytes], most: int, index: ItemIndex) -> tuple[Amounts, Amounts]:
    total = dict(zip(*(column.tolist() for column in sums), strict=True))
    for part in parts:
        for code, amount in zip(*(column.tolist() for column in summed_parts([part], index)), strict=True):
            total[code] = total.get(code, 0) + amount
    rows = sorted((index.names[code], code, amount) for code, amount in total.items() if amount)
    codes = np.array([code for _, code, _ in rows], np.int64)
    amounts = np.array([amount for *_, amount in rows], np.int64)
    if len(codes) <= most:
        return (codes, amounts), (codes, amounts)
    places = cut(amounts, most)
    return (codes, amounts), (codes[places], amounts[places])


def cut(amounts: Ints, most: int) -> Ints:
    """Return the places of the ``most`` greatest amounts: those above the least of them, then equal ones from the end.

    Args: most: fewer than there are.
    """
    least = np.partition(amounts, len(amounts) - most)[len(amounts) - most]
    above, equal = np.flatnonzero(amounts > least), np.flatnonzero(amounts == least)
    return np.concatenate([above, equal[::-1][: most - len(above)]])


def name_of(text: Text, code: int) -> bytes:
    """Return the name of a code."""
    return text.letters[text.starts[code] : text.starts[code + 1]].tobytes()
