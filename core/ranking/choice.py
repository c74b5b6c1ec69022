"""Fitting a learned blend: logistic regression of a choice (McFadden 1974) with ridge, by L-BFGS.

A question has candidates, one row of features each, and the one that was taken. Its probability is exp(x · w) over the
sum of exp(x · w) of all candidates; the fit maximises the log-likelihood of all questions, minus ridge / 2 · |w|².
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.ranking.columns import Floats, Ints

RIDGE = 1.0
MOST_STEPS = 150
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Choices:
    """The candidates of all questions end to end: question q's are rows ``starts[q]`` to ``starts[q + 1]``.

    ``taken``: the row of the item that was taken, within ``rows``. ``weight``: of the question.
    """

    rows: Rows
    starts: Ints
    taken: Ints
    weight: Floats

    @staticmethod
    def of(questions: Sequence[tuple[Rows, int, float]]) -> "Choices":
        """Return them end to end, each given as its rows, the place of the one taken, and its weight."""
        starts = np.zeros(len(questions) + 1, np.int64)
        np.cumsum([len(rows) for rows, _, _ in questions], out=starts[1:])
        taken = np.array([place for _, place, _ in questions], np.int64) + starts[:-1]
        weight = np.array([weight for _, _, weight in questions], np.float64)
        return Choices(np.concatenate([rows for rows, _, _ in questions]), starts, taken, weight)

    def loss(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the negative log-likelihood of each question, and the probability of each row."""
        z = (self.rows @ weights.astype(np.float32)).astype(np.float64)
        begins, sizes = self.starts[:-1], np.diff(self.starts)
        greatest = np.maximum.reduceat(z, begins)
        powers = np.exp(z - np.repeat(greatest, sizes))
        sums = np.add.reduceat(powers, begins)
        return greatest + np.log(sums) - z[self.taken], powers / np.repeat(sums, sizes)


def fitted(choices: Choices, ridge: float = RIDGE) -> Floats:
    """Return the weights of the greatest penalised likelihood."""
    from scipy.optimize import minimize

    by_row = np.repeat(choices.weight, np.diff(choices.starts))

    def objective(weights: Floats) -> tuple[float, Floats]:
        losses, probability = choices.loss(weights)
        residual = probability * by_row
        np.subtract.at(residual, choices.taken, choices.weight)
        gradient = (residual.astype(np.float32) @ choices.rows).astype(np.float64) + ridge * weights
        return float(losses @ choices.weight + ridge * (weights @ weights) / 2), gradient

    start = np.zeros(choices.rows.shape[1])
    minimum: Any = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    out: Floats = minimum.x
    return out
