"""Sums over the co-ratings of a history, written to be read: the slow twin of ``related_kernel``."""

from typing import NamedTuple

import numpy as np

from core.ranking.columns import NOBODY, Columns, Floats, Ints
from core.ranking.scores import similarity


class Rows(NamedTuple):
    """The rows of several items: their neighbours end to end, row k from ``starts[k]`` to ``starts[k + 1]``.

    ``codes``, ``amounts``, ``norms``: of the neighbours, thousandths. ``own``, ``own_norms``: of the row's item.
    """

    codes: Ints
    amounts: Ints
    norms: Ints
    starts: Ints
    own: Ints
    own_norms: Ints


class Related(NamedTuple):
    """How similar the neighbours of several rows are, whatever a row weighs.

    ``codes``: the neighbours with a similarity > 0 in any row, each once, in order of appearance. ``places``: of each
    entry of the rows, its neighbour's among ``codes``; ``NOBODY`` for one without similarity and the row's own item.
    ``scores``: the similarity of each entry. ``starts``, ``own``: as of ``Rows``.
    """

    codes: Ints
    places: Ints
    scores: Floats
    starts: Ints
    own: Ints


def related(rows: Rows, shrinkage: float) -> Related:
    """Return the similarities of the rows' entries."""
    place_of, places, scores = dict[int, int](), list[int](), list[float]()
    for row, item in enumerate(rows.own.tolist()):
        part = slice(*rows.starts[row : row + 2])
        own = similarity(rows.amounts[part], int(rows.own_norms[row]), rows.norms[part], shrinkage)
        for code, score in zip(rows.codes[part].tolist(), own.tolist(), strict=True):
            counts = score > 0 and code != item
            places.append(place_of.setdefault(code, len(place_of)) if counts else NOBODY)
            scores.append(score)
    columns = np.array([*place_of], np.int64), np.array(places, np.int64), np.array(scores, np.float64)
    return Related(*columns, rows.starts, rows.own)


def summed(known: Related, weights: Floats) -> Columns:
    """Return each neighbour's sum of similarity · weight over the rows, in their order; only those with a sum > 0.

    Args: weights: of each row.
    """
    sums = [0.0] * len(known.codes)
    for row, weight in enumerate(weights.tolist()):
        for k in range(*known.starts[row : row + 2].tolist()):
            if (place := int(known.places[k])) != NOBODY:
                sums[place] += float(known.scores[k]) * weight
    totals = np.array(sums, np.float64)
    return Columns(known.codes[totals > 0], totals[totals > 0])


def contributions(known: Related, weights: Floats, codes: Ints) -> tuple[Ints, Ints, Floats]:
    """Return which of the rows' items have those neighbours: three columns, in the order of the rows.

    Args: codes: each once.
    Returns: the place among ``codes``, the row's item, and its similarity · weight.
    """
    asked, out = {code: place for place, code in enumerate(codes.tolist())}, list[tuple[int, int, float]]()
    for row, weight in enumerate(weights.tolist()):
        for k in range(*known.starts[row : row + 2].tolist()):
            place = int(known.places[k])
            if place != NOBODY and (code := int(known.codes[place])) in asked:
                out.append((asked[code], int(known.own[row]), float(known.scores[k]) * weight))
    of, items, shares = zip(*out, strict=True) if out else ((), (), ())
    return np.array(of, np.int64), np.array(items, np.int64), np.array(shares, np.float64)
