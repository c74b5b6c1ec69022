"""GRU4Rec: a gated recurrent unit reads what was touched, in order, and says what comes next (Hidasi et al. 2016).

It sees the merged history, so it is as fresh as the last event. Items share one table as what is touched and as what
comes next (Hidasi and Karatzoglou 2018, constrained embeddings).

Bytes: 4 · factors per item. A fit takes 48 · factors per item and 60 per rating.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommenders.neural.model import Neural
from recommenders.neural.network import ITEMS, Array, Drop, Params, Product, dense, embedded, table
from recommenders.neural.settings import NeuralSettings

GATES = ("update", "reset", "proposal")


@dataclass(frozen=True)
class Recurrent(Product):
    """One layer (Cho et al. 2014)."""

    factors: int

    def begun(self, rng: np.random.Generator, rows: int) -> dict[str, Array]:
        width = self.factors
        params = {ITEMS: table(rng, rows, width), "read": dense(rng, width, width)}
        for gate in GATES:
            params |= {f"{gate}_input": dense(rng, width, width), f"{gate}_state": dense(rng, width, width)}
            params[f"{gate}_shift"] = np.zeros(width, np.float32)
        return params

    def states(self, xp: Any, params: Params, inputs: Array, drop: Drop) -> Array:
        x = drop(embedded(xp, params, inputs) * self.factors**0.5)
        parts = xp.stack([x @ params[f"{gate}_input"] + params[f"{gate}_shift"] for gate in GATES])

        def step(state: Array, part: Array) -> tuple[Array, Array]:
            update = _between(xp, part[0] + state @ params["update_state"])
            reset = _between(xp, part[1] + state @ params["reset_state"])
            proposal = xp.tanh(part[2] + (reset * state) @ params["proposal_state"])
            state = (1 - update) * state + update * proposal
            return state, state

        begun = xp.zeros((inputs.shape[0], self.factors), np.float32)
        states = _scanned(xp, step, begun, xp.moveaxis(parts, 2, 0))
        return drop(xp.moveaxis(states, 0, 1)) @ params["read"]


def _between(xp: Any, x: Array) -> Array:
    """Return the logistic function, from 0 to 1."""
    return 0.5 * (1 + xp.tanh(0.5 * x))


def _scanned(xp: Any, step: Callable[[Array, Array], tuple[Array, Array]], state: Array, parts: Array) -> Array:
    """Return the state after each part; JAX compiles one step instead of as many as there are parts."""
    if xp is not np:
        from jax.lax import scan

        return scan(step, state, parts)[1]
    states = []
    for part in parts:
        state, _ = step(state, part)
        states.append(state)
    return np.stack(states)


RECOMMENDER = Neural("gru4rec", NeuralSettings, lambda own: Recurrent(own.factors), dropout=0.2)
