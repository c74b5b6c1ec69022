"""Fitting a learned blend: logistic regression of a choice (McFadden 1974) with ridge, by L-BFGS.

A question has candidates, one row of features each, the one that was taken, and a context. The weights of a question
are linear in its context: w = W · context, W of shape (features, contexts). The probability of a candidate is
exp(x · w) over the sum of exp(x · w) of all candidates; the fit maximises the log-likelihood of all questions, minus
ridge / 2 · |W − towards|².
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.ranking.columns import Floats, Ints

RIDGE = 1.0
MOST_STEPS = 150
LISTS_AT_ONCE = 256  # whose curvature is in memory
TOLERANCE = 1e-6  # of the objective, relatively: differences of a source are a thousand times as large
Rows = NDArray[np.float32]


class Choice(NamedTuple):
    """One question: ``rows`` of its candidates' features, ``taken`` among them, ``weight`` of the question.

    Of a list from which several items were taken, each is a question with the very same ``rows``.
    """

    rows: Rows
    taken: int
    context: Floats
    weight: float = 1.0


@dataclass(frozen=True)
class Choices:
    """Questions side by side; those that follow one another and have the same candidates share these.

    ``rows``: of the lists of candidates, padded to equally many, shape (lists, candidates, features), zeros where
    ``there``, (lists, candidates), is false. ``context``: (lists, contexts). ``of``: each question's list, ascending.
    ``taken``: its place among the candidates. ``weight``: of each question.
    """

    rows: Rows
    there: NDArray[np.bool_]
    context: Floats
    of: Ints
    taken: Ints
    weight: Floats

    @staticmethod
    def beside(questions: Sequence[Choice]) -> "Choices":
        """Return them side by side."""
        pairs = zip([None, *questions], questions, strict=False)
        begins = [before is None or before.rows is not own.rows for before, own in pairs]
        lists = [question for question, first in zip(questions, begins, strict=True) if first]
        sizes = np.array([len(own.rows) for own in lists], np.int64)
        rows = np.zeros((len(lists), int(sizes.max(initial=0)), questions[0].rows.shape[1]), np.float32)
        for own, question in zip(rows, lists, strict=True):
            own[: len(question.rows)] = question.rows
        there = np.arange(rows.shape[1]) < sizes[:, None]
        context = np.array([own.context for own in lists], np.float64)
        taken = np.array([question.taken for question in questions], np.int64)
        weight = np.array([question.weight for question in questions], np.float64)
        return Choices(rows, there, context, np.cumsum(begins) - 1, taken, weight)

    def __len__(self) -> int:
        return len(self.taken)

    def only(self, features: Ints) -> "Choices":
        """Return the same questions with those features alone."""
        return replace(self, rows=np.ascontiguousarray(self.rows[:, :, features]))

    def part(self, first: int, end: int) -> "Choices":
        """Return the questions from ``first`` up to ``end``."""
        of = self.of[first:end]
        lists = slice(int(of[0]), int(of[-1]) + 1) if len(of) else slice(0, 0)
        rows, there, context = self.rows[lists], self.there[lists], self.context[lists]
        return Choices(rows, there, context, of - lists.start, self.taken[first:end], self.weight[first:end])

    def probabilities(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the negative log-likelihood of each question, and the probability of each candidate of each list."""
        own = (self.context @ weights.T).astype(np.float32)
        z = np.matmul(self.rows, own[:, :, None])[:, :, 0].astype(np.float64)
        z[~self.there] = -np.inf
        z -= z.max(axis=1, keepdims=True)
        powers = np.exp(z)
        sums = powers.sum(axis=1)
        return np.log(sums)[self.of] - z[self.of, self.taken], powers / sums[:, None]

    def loss(self, weights: Floats) -> float:
        """Return the mean negative log-likelihood of what was taken."""
        return float(np.average(self.probabilities(weights)[0], weights=self.weight))

    def of_lists(self) -> Floats:
        """Return how much weight was taken from each list."""
        out: Floats = np.bincount(self.of, self.weight, len(self.rows)).astype(np.float64, copy=False)
        return out

    def curvature(self, weights: Floats) -> Floats:
        """Return the second derivatives of the negative log-likelihood: square, of features · contexts."""
        features, contexts = weights.shape
        out, probabilities = np.zeros((features * features, contexts * contexts)), self.probabilities(weights)[1]
        of_lists = self.of_lists()
        for first in range(0, len(self.rows), LISTS_AT_ONCE):
            part = slice(first, first + LISTS_AT_ONCE)
            rows, likely, context = self.rows[part], probabilities[part].astype(np.float32), self.context[part]
            mean = np.matmul(likely[:, None, :], rows)[:, 0, :]
            spread = np.matmul(rows.transpose(0, 2, 1) * likely[:, None, :], rows) - mean[:, :, None] * mean[:, None]
            pairs = (of_lists[part, None, None] * context[:, :, None] * context[:, None]).reshape(len(context), -1)
            out += spread.reshape(len(context), -1).T.astype(np.float64) @ pairs
        by_weight = out.reshape(features, features, contexts, contexts).transpose(0, 2, 1, 3)
        square: Floats = by_weight.reshape(features * contexts, -1)
        return square


def shares_of_choice(z: Floats) -> Floats:
    """Return exp(z) over the sum of exp(z); they add up to 1."""
    if not len(z):
        return z
    powers = np.exp(z - z.max())
    shares: Floats = powers / powers.sum()
    return shares


def fitted(
    choices: Choices, ridge: float = RIDGE, towards: Floats | None = None, start: Floats | None = None,
    curvature: Floats | None = None,
) -> Floats:  # fmt: skip
    """Return the weights of the greatest penalised likelihood, shape (features, contexts).

    The search runs over weights that are turned and stretched until all are equally curved: a tenth of the steps.

    Args: towards: what the ridge draws the weights to; None: zeros.      start: weights near those; None: ``towards``.
        curvature: ``Choices.curvature`` near the weights sought; None: that at ``start``.
    """
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import minimize

    shape = (choices.rows.shape[2], choices.context.shape[1])
    goal = np.zeros(shape) if towards is None else towards
    begin = goal if start is None else start
    curved = choices.curvature(begin) if curvature is None else curvature
    root = cholesky(curved + ridge * np.eye(len(curved)), lower=True)
    at, of_lists = (choices.of, choices.taken), choices.of_lists()

    def objective(stretched: Floats) -> tuple[float, Floats]:
        weights = solve_triangular(root, stretched, lower=True, trans="T").reshape(shape)
        losses, residual = choices.probabilities(weights)
        residual *= of_lists[:, None]
        np.subtract.at(residual, at, choices.weight)
        by_list = np.matmul(residual.astype(np.float32)[:, None, :], choices.rows)[:, 0, :].astype(np.float64)
        off = weights - goal
        gradient = (by_list.T @ choices.context + ridge * off).ravel()
        value = float(losses @ choices.weight + ridge * (off * off).sum() / 2)
        return value, solve_triangular(root, gradient, lower=True)

    options = {"maxiter": MOST_STEPS, "ftol": TOLERANCE}
    minimum: Any = minimize(objective, root.T @ begin.ravel(), jac=True, method="L-BFGS-B", options=options)
    out: Floats = solve_triangular(root, minimum.x, lower=True, trans="T").reshape(shape)
    return out
