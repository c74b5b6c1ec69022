"""Item factors and biases by stochastic gradient descent on one core: the same seed, the same factors."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommenders.port import Floats, Past, Standing
from schemas.errors import MillraceError

if TYPE_CHECKING:
    from recommenders.mf import MfSettings

NEAR_ZERO = 0.1  # standard deviation of the first factors
EPOCHS_PER_LINE = 10
Matrix = NDArray[np.float32]


def fit(past: Past, standing: Standing, rating: Floats, mf: "MfSettings") -> tuple[Matrix, Matrix]:
    """Return the item factors, shape (items, factors), and the items' biases.

    Args: rating: of each pair that stands, of mean 0 and deviation 1.
    Raises: MillraceError when the fit diverges.
    """
    from recommenders.mf.sgd_kernel import sweep

    _, user = np.unique(standing.user, return_inverse=True)
    users, items, rng = int(user.max()) + 1, len(standing.items), np.random.default_rng(past.seed)
    p = (rng.standard_normal((users, mf.factors)) * NEAR_ZERO).astype(np.float32)
    q = (rng.standard_normal((items, mf.factors)) * NEAR_ZERO).astype(np.float32)
    b_user, b_item = np.zeros(users, np.float32), np.zeros(items, np.float32)
    for epoch in range(1, mf.epochs + 1):
        order = rng.permutation(len(rating))
        columns = (user, standing.item, rating, order)
        total = sweep(*columns, 0.0, b_user, b_item, p, q, mf.rate, mf.regularization)
        if not np.isfinite(total):
            raise MillraceError("mf diverged: lower rate or raise regularization of [recommenders.mf]")
        if epoch % EPOCHS_PER_LINE == 0 or epoch == mf.epochs:
            error = np.sqrt(total / len(rating))
            past.say(f"mf: epoch {epoch} of {mf.epochs}, error {error:.3f} deviations over {len(rating):,} ratings")
    return q, b_item
