"""Two towers: a network of the user's history beside a table of items, joined by a product (Covington et al. 2016, §3).

The user's tower is the fading mean of what was touched through one hidden layer; the items' tower is a table, so all
items are scored by one product. It sees the merged history, and learns which item came next.

Bytes: 8 · factors per item. A fit takes 48 · factors per item and 60 per rating.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recommenders.neural.model import Neural
from recommenders.neural.network import ITEMS, OUT, Array, Drop, Params, Product, dense, embedded, fading_mean, table
from recommenders.neural.settings import FadingSettings

WIDER = 2  # times as many numbers in the hidden layer as a state has


@dataclass(frozen=True)
class Towers(Product):
    """The hidden layer adds to the mean, so that a fit begins with it."""

    factors: int
    step_back: float

    def begun(self, rng: np.random.Generator, rows: int) -> dict[str, Array]:
        hidden = WIDER * self.factors
        return {
            ITEMS: table(rng, rows, self.factors), OUT: table(rng, rows, self.factors),
            "inner": dense(rng, self.factors, hidden), "inner_shift": np.zeros(hidden, np.float32),
            "outer": dense(rng, hidden, self.factors), "outer_shift": np.zeros(self.factors, np.float32),
        }  # fmt: skip

    def states(self, xp: Any, params: Params, inputs: Array, drop: Drop) -> Array:
        mean = drop(fading_mean(xp, embedded(xp, params, inputs), self.step_back))
        hidden = xp.maximum(mean @ params["inner"] + params["inner_shift"], 0)
        return mean + drop(hidden) @ params["outer"] + params["outer_shift"]


RECOMMENDER = Neural("two_tower", FadingSettings, lambda own: Towers(own.factors, own.step_back), dropout=0.1)
