"""Content models whose items are dense vectors of length 1: what texts mean, and what pictures look like."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.ranking.columns import Columns
from core.ranking.kernels import Kernels
from recommenders.contents import ContentScorer
from recommenders.port import Floats
from schemas.catalogue import Item

Matrix = NDArray[np.float32]


def no_vector(item: Item) -> None:
    """Return nothing: the model knows no item by its record alone."""
    return


class DenseScorer(ContentScorer[Floats, Matrix]):
    """Compares all items exactly. A vector of zeros says nothing.

    Args: late: makes the vector of an item that was described after the generation; None where its record says nothing.
    """

    def __init__(
        self, items: list[bytes], rows: Matrix, step_back: float,
        late: Callable[[Item], Floats | None] = no_vector,
    ) -> None:  # fmt: skip
        super().__init__(items, rows, step_back)
        self._of_record = late

    def row(self, place: int) -> Floats:
        vector: Floats = self.rows[place].astype(np.float64)
        return vector

    def described(self, item: Item) -> Floats:
        made = self._of_record(item)
        return self.nothing() if made is None else made

    def nothing(self) -> Floats:
        return np.zeros(self.rows.shape[1])

    def says(self, vector: Floats) -> bool:
        return bool(vector.any())

    def stacked(self, vectors: Sequence[Floats]) -> Matrix:
        return np.stack(vectors).astype(np.float32)

    def mean(self, vectors: Sequence[Floats], shares: Sequence[float]) -> Floats:
        return directed(np.array(shares) @ np.stack(vectors)) if len(vectors) else self.nothing()

    def product(self, one: Floats, two: Floats) -> float:
        return float(one @ two)

    def products(self, rows: Matrix, profile: Floats, kernels: Kernels) -> Columns:
        scores = (rows @ profile.astype(np.float32)).astype(np.float64)
        above = np.flatnonzero(scores > 0)
        return Columns(above, scores[above])

    def matrix(self, rows: Matrix) -> Matrix:
        return rows


def directed(vector: Floats) -> Floats:
    """Return the vector with length 1; zeros stay zeros."""
    length = float(np.sqrt(vector @ vector))
    return vector / length if length > 0 else vector
