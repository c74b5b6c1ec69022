"""Scoring by weights between items: the sum over all that stands of a user, as EASE, RP3beta and item-kNN do.

A model keeps for each item the ``neighbours`` that say most about it, and stores them by the item that speaks. Bytes:
8 per weight, so at most 8 · neighbours per item, and 8 per item for where its row begins.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from core.codes.item_index import UNKNOWN
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.pairs import best_rows, cut, greatest
from recommenders.port import Candidates, Floats, Ints, Past, Question, Standing
from recommenders.trained import TrainedSettings

STARTS, TARGETS, WEIGHTS = "starts", "targets", "weights"
DENSE_NUMBERS = 1 << 24  # of a block, should every item be a neighbour of every other: 64 MiB
LINES = 10  # of progress, at most
NEIGHBOUR_BYTES = 24  # of a weight while it is fitted: row, column and number, by target and by speaker


@dataclass(frozen=True)
class ItemWeightsScorer:
    """Row k holds what item k says of others: ``targets`` (rows of items) and ``weights`` from ``starts[k]`` on."""

    items: list[bytes]
    starts: Ints
    targets: NDArray[np.int32]
    weights: NDArray[np.float32]

    of_user_alone: ClassVar[bool] = True

    def candidates(self, question: Question, most: int) -> Candidates:
        aligned, standing = question.sums.index.aligned(self.items), question.standing
        rows = aligned.rows_of(standing.codes)
        own, known = standing.codes[rows != UNKNOWN], rows[rows != UNKNOWN]
        kernels, ones = question.sums.kernels, np.ones(len(known))
        scored = kernels.added_rows(self.starts, self.targets, self.weights, known, ones, len(self.items))

        def reasons(code: int) -> Mapping[int, float]:
            weights = kernels.column_of(self.starts, self.targets, self.weights, known, aligned.row_of(code))
            speaks = np.flatnonzero(weights > 0)
            return dict(zip(own[speaks].tolist(), weights[speaks].tolist(), strict=True))

        return Candidates(best_rows(scored, most, aligned, question.also), reasons)

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        """Return the sums of weights, shape (users, items of the cohort); they may be negative."""
        row_of = cohort.index.aligned(self.items).rows_of(np.arange(len(cohort.names)))
        known = np.flatnonzero(row_of != UNKNOWN)
        out = np.zeros((len(users), len(cohort.names)))
        if len(known):
            touched = (cohort.ratings[users][:, known] > 0).astype(np.float64)
            out[:, known] = (touched @ self._matrix[row_of[known]]).toarray()[:, row_of[known]]
        return out

    @cached_property
    def _matrix(self) -> Any:
        from scipy.sparse import csr_matrix

        return csr_matrix((self.weights, self.targets, self.starts), shape=(len(self.items), len(self.items)))


def opened(artefact: Artefact | None) -> ItemWeightsScorer:
    """Return the scorer; without an artefact it has no candidates."""
    if artefact is None:
        return ItemWeightsScorer([], np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    arrays = artefact.arrays
    return ItemWeightsScorer(artefact.items, arrays[STARTS], arrays[TARGETS], arrays[WEIGHTS])


def artefact_of(past: Past, name: str, settings: TrainedSettings, standing: Standing, by_target: Any) -> Artefact:
    """Report the fit, and return the artefact of its weights, given as (target, speaker), sparse."""
    from scipy.sparse import csr_matrix

    rows = csr_matrix(by_target.T)
    rows.sort_indices()
    arrays = {
        STARTS: rows.indptr.astype(np.int64), TARGETS: rows.indices.astype(np.int32),
        WEIGHTS: rows.data.astype(np.float32),
    }  # fmt: skip
    items, ratings = standing.items, len(standing.rating)
    past.say(f"trained {name}: {rows.nnz:,} weights of {len(items):,} items from {ratings:,} ratings")
    return Artefact({"settings": asdict(settings), "weights": int(rows.nnz)}, items, arrays)


def in_blocks(past: Past, what: str, items: int, neighbours: int, block: Callable[[slice], Any]) -> Any:
    """Return the cut of ``block`` over all items as (target, speaker), sparse, with a line of progress now and then.

    Args: block: the weights of a slice of targets, shape (targets, items), sparse or dense; the diagonal is left out.
    """
    from scipy.sparse import vstack

    size, parts, said = max(1, DENSE_NUMBERS // items), [], 0
    for first in range(0, items, size):
        end = min(first + size, items)
        weights = block(slice(first, end))
        parts.append((_cut_dense if isinstance(weights, np.ndarray) else _cut_sparse)(weights, first, neighbours))
        if end < items and LINES * end // items > said:
            said = LINES * end // items
            past.say(f"{what}: {end:,} of {items:,} items")
    return vstack(parts, "csr")


def _cut_sparse(block: Any, first: int, neighbours: int) -> Any:
    from scipy.sparse import coo_matrix

    weights = coo_matrix(block)
    others = (weights.col != weights.row + first) & (weights.data != 0)
    entries = (weights.data[others], (weights.row[others], weights.col[others]))
    return cut(coo_matrix(entries, shape=weights.shape), neighbours)


def _cut_dense(weights: NDArray[np.float32], first: int, neighbours: int) -> Any:
    """Return the same of a dense block, row by row: a sparse copy of it would take longer than the fit."""
    from scipy.sparse import csr_matrix

    places, sizes = list[Ints](), np.zeros(len(weights) + 1, np.int64)
    for row, own in enumerate(weights):
        strength = np.abs(own)
        strength[first + row] = 0
        kept = greatest(strength, neighbours)
        places.append(kept[strength[kept] > 0])
        sizes[row + 1] = len(places[-1])
    column = np.concatenate(places)
    values = weights[np.repeat(np.arange(len(weights)), sizes[1:]), column]
    return csr_matrix((values, column, np.cumsum(sizes)), shape=weights.shape)
