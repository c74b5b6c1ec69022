"""The nearest of many vectors by cosine or Euclidean distance, best first."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]

COSINE, EUCLIDEAN = "cosine", "euclidean"
DISTANCES = (COSINE, EUCLIDEAN)
EXACT_UP_TO = 100_000  # vectors: some milliseconds on one core; beyond it ``cells`` has an index
LEAST = np.float32(1e-30)  # a zero vector's cosine is 0
PROBED = 64  # cells that are searched, of average size: recall@10 above .95 (tests/unit/core/vectors/test_nearest.py)
NO_ROWS = np.zeros(0, np.int64)


class Nearest(NamedTuple):
    """The nearest vectors by the number they were given under, and their scores, best first.

    A score is the cosine, or 1 / (1 + distance) for the Euclidean distance.
    """

    rows: Rows
    scores: Matrix


@dataclass(frozen=True)
class Cells:
    """An index: rows that lie near one another stand together, and a search looks into a few cells.

    ``order``: the number under which each row was given. ``starts``: where each cell begins, and the last one ends.
    ``centres``: the cells' middles. ``distance``: the one of the two that they are for.
    """

    order: Rows
    starts: Rows
    centres: Matrix
    distance: str


@dataclass(frozen=True)
class Vectors:
    """Vectors of one width, as rows, and their Euclidean lengths; with cells, in their order. Arrays may be mapped."""

    rows: Matrix
    lengths: Matrix
    cells: Cells | None = None

    @staticmethod
    def of(rows: Matrix) -> "Vectors":
        """Return those vectors without an index."""
        rows = np.ascontiguousarray(rows, np.float32)
        return Vectors(rows, np.sqrt(np.einsum("ij,ij->i", rows, rows)))

    def row(self, number: int) -> Matrix:
        """Return the vector that was given under that number."""
        place = number if self.cells is None else int(np.flatnonzero(self.cells.order == number)[0])
        vector: Matrix = np.asarray(self.rows[place])
        return vector

    def is_exact(self, distance: str, probed: int = PROBED) -> bool:
        """Return whether ``nearest`` answers exactly by that distance: all rows are looked at."""
        return self.cells is None or distance != self.cells.distance or probed >= len(self.cells.centres)


def nearest(vectors: Vectors, query: Matrix, most: int, distance: str = COSINE, probed: int = PROBED) -> Nearest:
    """Return the ``most`` vectors nearest to the query; equal scores by number.

    Exact without an index, for the other distance than the index's, and where all cells are probed.
    """
    query = np.asarray(query, np.float32)
    cells = vectors.cells
    if cells is None or vectors.is_exact(distance, probed):
        ranks = _ranks(vectors.rows @ query, vectors.lengths, distance)
        best = _best(ranks, most)
        return _ordered(vectors, best, query, distance, most)
    parts = [slice(cells.starts[cell], cells.starts[cell + 1]) for cell in _near(cells, query, probed)]
    dots = np.concatenate([vectors.rows[part] @ query for part in parts])
    ranks = _ranks(dots, np.concatenate([vectors.lengths[part] for part in parts]), distance)
    best = _best(ranks, most)
    ends = np.cumsum([part.stop - part.start for part in parts])
    part_of = np.searchsorted(ends, best, "right")
    places = best - ends[part_of] + np.array([part.stop for part in parts])[part_of]
    return _ordered(vectors, places, query, distance, most)


def recall(answer: Nearest, exact: Nearest) -> float:
    """Return the share of the exact answer that the other one has."""
    return float(np.isin(exact.rows, answer.rows).mean()) if len(exact.rows) else 1.0


def unit(vectors: Matrix) -> Matrix:
    """Return the vectors, as rows or one alone, with length 1; a zero vector stays as it is."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    out: Matrix = (vectors / np.where(length > 0, length, 1)).astype(np.float32)
    return out


def _near(cells: Cells, query: Matrix, probed: int) -> list[int]:
    """Return the cells nearest to the query, until they hold as many rows as ``probed`` average cells do."""
    place = unit(query) if cells.distance == COSINE else query
    gaps = np.einsum("ij,ij->i", cells.centres, cells.centres) - 2 * (cells.centres @ place)
    nearest_first = np.argsort(gaps)
    sizes = np.diff(cells.starts)[nearest_first]
    most = probed * int(cells.starts[-1]) // len(sizes)
    near: list[int] = nearest_first[: 1 + int(np.searchsorted(np.cumsum(sizes), most))].tolist()
    return sorted(near)


def _ranks(dots: Matrix, lengths: Matrix, distance: str) -> Matrix:
    """Return numbers by which rows are ordered as by their scores, without what is the same for all rows."""
    if distance == COSINE:
        return np.asarray(dots / np.maximum(lengths, LEAST), np.float32)
    return np.asarray(dots - lengths * lengths / 2, np.float32)


def _scores(rows: Matrix, lengths: Matrix, query: Matrix, distance: str) -> Matrix:
    """Return the scores of a few rows; from differences, as sums of squares lose the small ones."""
    if distance == COSINE:
        both = np.maximum(lengths * np.sqrt(query @ query), LEAST)
        return np.asarray(rows @ query / both, np.float32)
    return np.asarray(1 / (1 + np.linalg.norm(rows - query, axis=1)), np.float32)


def _best(scores: Matrix, most: int) -> Rows:
    """Return the places of about the ``most`` greatest scores: of those equal to the last one, all."""
    if most <= 0:
        return NO_ROWS
    if len(scores) <= most:
        return np.arange(len(scores))
    least = np.partition(scores, len(scores) - most)[len(scores) - most]
    return np.flatnonzero(scores >= least)


def _ordered(vectors: Vectors, places: Rows, query: Matrix, distance: str, most: int) -> Nearest:
    """Return the best of a few places."""
    scores = _scores(vectors.rows[places], vectors.lengths[places], query, distance)
    numbers = places if vectors.cells is None else vectors.cells.order[places]
    order = np.lexsort((numbers, -scores))[:most]
    return Nearest(np.asarray(numbers[order], np.int64), scores[order])
