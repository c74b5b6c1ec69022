"""The pairs that stand as a sparse matrix, and columns cut to their best: what several recommenders learn from."""

from itertools import pairwise
from typing import Any

import numpy as np

from core.codes.item_index import Aligned
from core.ranking.columns import NOBODY, Columns
from core.ranking.columns import ranges as ranges
from recommenders.port import Floats, Ints, Standing
from schemas.event import WEIGHT_SCALE


def matrix_of(standing: Standing, most: int, seed: int, rated: bool = False) -> Any:
    """Return (users, items), sparse float32: 1 for each pair that stands, or its rating in units.

    Args: most: items of one user; beyond it as many are drawn at random, as work grows with their square.
    """
    from scipy.sparse import csr_matrix

    _, row = np.unique(standing.user, return_inverse=True)
    size = np.bincount(row, minlength=1)
    kept = np.ones(len(row), np.bool_)
    if size.max() > most:
        draw = np.random.default_rng(seed).random(len(row))
        order = np.lexsort((draw, row))
        place = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
        kept[order[place >= most]] = False
    value = standing.rating[kept] / WEIGHT_SCALE if rated else np.ones(int(kept.sum()))
    shape = (len(size), len(standing.items))
    return csr_matrix((value.astype(np.float32), (row[kept], standing.item[kept])), shape=shape)


def cut(columns: Any, most: int) -> Any:
    """Return the sparse rows with the ``most`` of the greatest absolute values of each, of equal ones the first."""
    from scipy.sparse import csr_matrix

    rows = csr_matrix(columns)
    rows.sort_indices()
    bounds, sizes = rows.indptr.tolist(), np.minimum(np.diff(rows.indptr), most)
    strength = np.abs(rows.data)
    places = [a + greatest(strength[a:b], most) for a, b in pairwise(bounds)]
    kept = np.concatenate(places) if places else np.zeros(0, np.int64)
    return csr_matrix((rows.data[kept], rows.indices[kept], np.r_[0, np.cumsum(sizes)]), shape=rows.shape)


def greatest(values: Floats, most: int) -> Ints:
    """Return the places of the ``most`` greatest values, ascending; of equal ones the first."""
    if len(values) <= most:
        return np.arange(len(values))
    least = np.partition(values, len(values) - most)[len(values) - most]
    kept = values > least
    kept[np.flatnonzero(values == least)[: most - int(kept.sum())]] = True
    return np.flatnonzero(kept)


def best_rows(scored: Columns, most: int, aligned: Aligned, also: int = NOBODY) -> Columns:
    """Return the ``most`` rows of the greatest scores > 0, of equal ones the first, and that of ``also``, by code.

    Args: scored: by row, ascending.      aligned: the rows beside the codes.      also: a code.
    """
    positive = scored.scores > 0
    rows, scores = scored.codes[positive], scored.scores[positive]
    kept, asked = greatest(scores, most), np.flatnonzero(rows == aligned.row_of(also))
    if len(asked) and not (kept == asked[0]).any():
        kept = np.append(kept, asked)
    return Columns(aligned.codes[rows[kept]], scores[kept])
