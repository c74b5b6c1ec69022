"""An index of many vectors: each lies in the cell of its nearest centre, and a search looks into a few cells.

This is an inverted file (Jégou, Douze, Schmid 2011) over whole vectors. It has one dial that goes to exact, no vector
that no search reaches, and the same seed gives the same index; it is made in seconds for each generation
(docs/decisions/0045-nearest-by-cells.md).
"""

import numpy as np
from threadpoolctl import threadpool_limits

from core.vectors.nearest import COSINE, EXACT_UP_TO, Cells, Matrix, Rows, Vectors, unit

CELLS_PER_ROOT = 2  # cells per square root of the number of vectors: centres and rows of a search then weigh alike
SAMPLED_PER_CELL = 64
ROUNDS = 8  # of Lloyd's algorithm; more move hardly a vector
ROWS_AT_ONCE = 4_096


def indexed(rows: Matrix, distance: str = COSINE, seed: int = 0, exact_up_to: int = EXACT_UP_TO) -> Vectors:
    """Return the vectors with an index for that distance; without one if there are no more than ``exact_up_to``."""
    plain = Vectors.of(rows)
    if len(plain.rows) <= exact_up_to:
        return plain
    with threadpool_limits(1):  # it runs beside an engine that has all cores
        points = unit(plain.rows) if distance == COSINE else plain.rows
        centres = _centres(points, np.random.default_rng(seed))
        cell = _nearest_centre(points, centres)
    order = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[order], np.arange(len(centres) + 1))
    return Vectors(plain.rows[order], plain.lengths[order], Cells(order, starts, centres, distance))


def _centres(points: Matrix, random: np.random.Generator) -> Matrix:
    """Return the middles of the cells: k-means over a sample."""
    cells = int(CELLS_PER_ROOT * len(points) ** 0.5)
    sample = points[np.sort(random.permutation(len(points))[: cells * SAMPLED_PER_CELL])]
    centres: Matrix = sample[random.permutation(len(sample))[:cells]]
    for _ in range(ROUNDS):
        cell = _nearest_centre(sample, centres)
        members = np.bincount(cell, minlength=cells)
        order = np.argsort(cell, kind="stable")
        filled = np.flatnonzero(members)  # a centre without members stays where it is
        sums = np.add.reduceat(sample[order], np.concatenate([[0], np.cumsum(members[filled])[:-1]]), axis=0)
        centres = centres.copy()
        centres[filled] = sums / members[filled, None]
    return centres


def _nearest_centre(points: Matrix, centres: Matrix) -> Rows:
    halves = np.einsum("ij,ij->i", centres, centres) / 2
    out = np.empty(len(points), np.int64)
    for first in range(0, len(points), ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        out[part] = np.argmax(points[part] @ centres.T - halves, axis=1)
    return out
