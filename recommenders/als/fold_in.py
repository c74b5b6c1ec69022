"""One user's ALS factors with the item factors held fixed, exact, and why an item scores as it does."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FoldIn:
    """A solved user: ``vector`` x, shape (factors,); ``explained`` (factors, items): x split by the user's items."""

    vector: Floats
    explained: Floats


def fold_in(item_factors: Matrix, gram: Matrix, rows: Ints, confidence: Floats, regularization: float) -> FoldIn:
    """Solve one user's factors (Hu, Koren, Volinsky 2008, eq. 4): (YtCY + λI) x = YtC p, p = 1 for the user's items.

    Args:
        item_factors: Y, shape (items, factors).      gram: YtY, shape (factors, factors).
        rows: positions in Y of the user's items; unique.
        confidence: c_ui >= 1, unitless, same length as rows; every other item has confidence 1 and preference 0.
        regularization: λ > 0.
    Returns: x and its parts, which add up to it (§5 of the paper); zeros when rows is empty.
    Raises: ValueError when the lengths differ.
    """
    if len(rows) != len(confidence):
        raise ValueError(f"{len(rows)} items and {len(confidence)} confidences")
    own = item_factors[rows].astype(np.float64)
    left = gram.astype(np.float64) + own.T @ (own * (confidence - 1.0)[:, None])
    left.flat[:: len(left) + 1] += regularization
    explained = np.linalg.solve(left, (own * confidence[:, None]).T).astype(np.float64)
    return FoldIn(explained.sum(axis=1), explained)
