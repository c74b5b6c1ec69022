"""Item factors by ``implicit``, in one process on all cores."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommenders.als.fold_in import Matrix
from recommenders.artefact import Artefact
from recommenders.port import Ints, Past, Size, Standing
from schemas.errors import MillraceError
from schemas.event import WEIGHT_SCALE

if TYPE_CHECKING:
    from recommenders.als.model import AlsSettings

WARM_SHARE = 3  # a warm start takes a third of the sweeps: as good on three public sets as all of them from other seeds
NEW_SCALE = np.float32(0.01)  # of the random factors of an item that the model before did not know


@dataclass(frozen=True)
class Factors:
    """Y, shape (items, factors), one row per name; ``warm``: begun from the model before.

    ``unit``: the rating that alpha counts from. ``per_rating``: Spark's λ, which counts once for each of a row's
    ratings; None: that of the settings, once.
    """

    items: list[bytes]
    y: Matrix
    unit: float
    warm: bool = False
    per_rating: float | None = None


def by_implicit(past: Past, size: Size, als: "AlsSettings", before: Artefact | None) -> Factors:
    """Return the factors of all that stands, held in this process."""
    standing = past.standing()
    start, unit = warm_start(standing.items, before, width_of(als, len(standing.items)), als.seed), unit_of(standing)
    return Factors(standing.items, fit(standing, als, unit, start), unit, start is not None)


def unit_of(standing: Standing) -> float:
    """Return the median rating: where all events are purchases, a purchase says what a view says elsewhere."""
    return float(np.quantile(standing.rating, 0.5, method="inverted_cdf")) / WEIGHT_SCALE


def width_of(als: "AlsSettings", items: int) -> int:
    """Return the number of factors, which is no more than the items can fill."""
    return min(als.factors, max(1, items - 1))


def fit(standing: Standing, als: "AlsSettings", unit: float, start: Matrix | None = None) -> Matrix:
    """Return item factors, shape (items, width), by ``implicit`` on all cores.

    Confidence is c = 1 + alpha · rating / unit; what is not rated has preference 0 at confidence 1.

    Args: start: the factors to begin with, in the shape of the result.
    Raises: MillraceError when the fit diverges.
    """
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    items, item = len(standing.items), standing.item
    known, row = np.unique(standing.user, return_inverse=True)
    confidence = (1 + als.alpha / unit * standing.rating / WEIGHT_SCALE).astype(np.float32)
    matrix = csr_matrix((confidence, (row.astype(np.int32), item.astype(np.int32))), shape=(len(known), items))
    sweeps = als.iterations if start is None else -(-als.iterations // WARM_SHARE)
    with threadpool_limits(1, "blas"):  # implicit runs its own threads; BLAS threads beside them cost much
        model = AlternatingLeastSquares(
            factors=width_of(als, items), iterations=sweeps, regularization=als.regularization,
            random_state=als.seed, calculate_training_loss=False,
        )  # fmt: skip
        model.item_factors = start
        model.fit(matrix, show_progress=False)
    item_factors: Matrix = np.asarray(model.item_factors, np.float32)
    if not np.isfinite(item_factors).all():
        raise MillraceError(
            f"ALS diverged (factors {als.factors}, regularization {als.regularization}, alpha {als.alpha}): raise "
            "als_regularization or lower als_alpha"
        )
    return item_factors


def warm_start(items: list[bytes], before: Artefact | None, width: int, seed: int) -> Matrix | None:
    """Return the factors before by item name, small random ones for new items; None: begin from scratch."""
    y: Matrix | None = None if before is None else before.arrays["factors"]
    if before is None or y is None or y.shape[1] != width:
        return None
    row_of = {name: row for row, name in enumerate(before.items)}
    rows: Ints = np.array([row_of.get(name, -1) for name in items], np.int64)
    if not (rows >= 0).any():
        return None
    start = np.random.default_rng(seed).random((len(items), width), dtype=np.float32) * NEW_SCALE
    start[rows >= 0] = y[rows[rows >= 0]]
    return start
