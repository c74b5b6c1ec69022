"""NeuMF: a product of factors and a network over both sides, added up (He et al. 2017).

The paper's user is a row of a table; here it is the fading mean of what the merged history touched, so that nobody has
to wait for a fit. Of the numbers of an item one half goes into the product (GMF), the other through two layers (MLP).

Bytes: 8 · factors per item. A fit takes 48 · factors per item and 60 per rating. An answer computes the layers for
every item.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.settings import setting
from recommenders.neural.model import Neural
from recommenders.neural.network import ITEMS, OUT, Array, Drop, Params, dense, embedded, fading_mean, table
from recommenders.neural.settings import FadingSettings

LAYERS = (32, 16)


@dataclass(frozen=True, kw_only=True)
class NeumfSettings(FadingSettings):
    """``factors``: of both halves together."""

    batch: int = setting(32, "histories per step", at_least=1, why="the layers take memory for each drawn item")
    negatives: int = setting(
        100, "items that a touched one is told from in each step", at_least=1, why="the paper takes 4, one by one"
    )


@dataclass(frozen=True)
class Mixed:
    """The last layer weighs the parts of the product and of the second layer."""

    factors: int
    step_back: float

    def begun(self, rng: np.random.Generator, rows: int) -> dict[str, Array]:
        half, (first, second) = self.factors - self.factors // 2, LAYERS
        return {
            ITEMS: table(rng, rows, self.factors), OUT: table(rng, rows, self.factors),
            "user": dense(rng, half, first), "item": dense(rng, half, first), "first": np.zeros(first, np.float32),
            "inner": dense(rng, first, second), "second": np.zeros(second, np.float32),
            "product": np.ones(self.factors // 2, np.float32), "layers": dense(rng, second, 1)[:, 0],
        }  # fmt: skip

    def states(self, xp: Any, params: Params, inputs: Array, drop: Drop) -> Array:
        return drop(fading_mean(xp, embedded(xp, params, inputs), self.step_back))

    def scores(self, xp: Any, params: Params, states: Array, rows: Array | None) -> Array:
        cut, out = self.factors // 2, params[OUT] if rows is None else params[OUT][rows]
        product = (states[:, :cut] * params["product"]) @ out[:, :cut].T
        user, item = states[:, cut:] @ params["user"] + params["first"], out[:, cut:] @ params["item"]
        return product + self._layers(xp, params, user[:, None, :] + item[None, :, :])

    def own(self, xp: Any, params: Params, states: Array, rows: Array) -> Array:
        cut, out = self.factors // 2, params[OUT][rows]
        product = (states[:, :cut] * params["product"] * out[:, :cut]).sum(axis=-1)
        user, item = states[:, cut:] @ params["user"] + params["first"], out[:, cut:] @ params["item"]
        return product + self._layers(xp, params, user + item)

    def _layers(self, xp: Any, params: Params, joined: Array) -> Array:
        hidden = xp.maximum(joined, 0) @ params["inner"] + params["second"]
        return xp.maximum(hidden, 0) @ params["layers"]


RECOMMENDER = Neural("neumf", NeumfSettings, lambda own: Mixed(own.factors, own.step_back), dropout=0.1)
