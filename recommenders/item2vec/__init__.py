"""item2vec: vectors by which an item tells what else is in its histories (Barkan and Koenigstein 2016).

Skip-gram with drawn negatives over the items that a user touched close to each other: a contrastive loss tells an
item's neighbour from drawn items. A user's state is the fading mean of the vectors of the merged history.

Bytes: 8 · factors per item. A fit takes 48 · factors per item and 60 per rating.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.settings import setting
from recommenders.neural.examples import Histories, drawn_part
from recommenders.neural.model import Neural
from recommenders.neural.network import ITEMS, OUT, Array, Drop, Params, Product, embedded, fading_mean, table
from recommenders.neural.settings import FadingSettings
from recommenders.neural.training import Pairs


@dataclass(frozen=True, kw_only=True)
class Item2VecSettings(FadingSettings):
    """``reach``: places between two items that speak for each other."""

    batch: int = setting(512, "pairs of items per step", at_least=1, why="a pair says less than a history")
    reach: int = setting(10, "places of a history between two items that speak for each other", at_least=1,
                         why="order says little within so few")  # fmt: skip
    draws: int = setting(4, "neighbours drawn of each item in an epoch", at_least=1, why="more repeat one another")


@dataclass(frozen=True)
class Vectors(Product):
    """An item speaks by one table and is spoken of by the other."""

    factors: int
    step_back: float

    def begun(self, rng: np.random.Generator, rows: int) -> dict[str, Array]:
        return {ITEMS: table(rng, rows, self.factors), OUT: table(rng, rows, self.factors)}

    def states(self, xp: Any, params: Params, inputs: Array, drop: Drop) -> Array:
        return fading_mean(xp, embedded(xp, params, inputs), self.step_back)


def neighbours(histories: Histories, settings: Item2VecSettings, rng: np.random.Generator) -> Pairs:
    """Return pairs of items that are close to each other; of many items some, drawn."""
    drawn = [
        drawn_part(histories.neighbours(settings.reach, rng), settings.touches, rng) for _ in range(settings.draws)
    ]
    return np.concatenate([one for one, _ in drawn]), np.concatenate([other for _, other in drawn])


RECOMMENDER = Neural("item2vec", Item2VecSettings, lambda own: Vectors(own.factors, own.step_back), examples=neighbours)
