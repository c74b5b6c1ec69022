"""SASRec: self-attention over the order of what was touched, which says what comes next (Kang and McAuley 2018).

It sees the merged history, so it is as fresh as the last event. Items share one table as what is touched and as what
comes next; places are counted from the first of the last ``length`` items.

Bytes: 4 · factors per item. A fit takes 48 · factors per item and 60 per rating.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.settings import setting
from recommenders.neural.model import Neural
from recommenders.neural.network import ITEMS, Array, Drop, Params, Product, dense, embedded, normalized, table
from recommenders.neural.settings import NeuralSettings

PLACES = "places"
FORBIDDEN = -1e9  # attention to what comes later


@dataclass(frozen=True, kw_only=True)
class SasrecSettings(NeuralSettings):
    """``blocks``: of attention and two layers each. One head: the paper finds that more do not help."""

    rate: float = setting(0.001, "length of a step of Adam", at_least=0.000001, at_most=1, why="as in the paper")
    blocks: int = setting(2, "blocks of attention", at_least=1, at_most=8, why="as in the paper")


@dataclass(frozen=True)
class Attention(Product):
    """``length``: places that are told apart."""

    factors: int
    blocks: int
    length: int

    def begun(self, rng: np.random.Generator, rows: int) -> dict[str, Array]:
        width = self.factors
        params = {ITEMS: table(rng, rows, width), PLACES: table(rng, self.length, width)}
        for block in range(self.blocks):
            for name in ("query", "key", "value", "inner", "outer"):
                params[f"{name}{block}"] = dense(rng, width, width)
            for name in ("inner_shift", "outer_shift"):
                params[f"{name}{block}"] = np.zeros(width, np.float32)
        for name in [f"{part}{block}" for part in ("attend", "feed") for block in range(self.blocks)] + ["last"]:
            params[f"{name}_scale"], params[f"{name}_norm"] = np.ones(width, np.float32), np.zeros(width, np.float32)
        return params

    def states(self, xp: Any, params: Params, inputs: Array, drop: Drop) -> Array:
        length = inputs.shape[1]
        x = drop(embedded(xp, params, inputs) * self.factors**0.5 + params[PLACES][:length])
        later = xp.asarray(np.triu(np.full((length, length), FORBIDDEN, np.float32), 1))
        for block in range(self.blocks):
            asking = _normalized(xp, params, f"attend{block}", x)
            query, key, value = (
                asking @ params[f"query{block}"],
                x @ params[f"key{block}"],
                x @ params[f"value{block}"],
            )
            strength = query @ xp.swapaxes(key, 1, 2) / self.factors**0.5 + later
            share = xp.exp(strength - strength.max(axis=-1, keepdims=True))
            x = asking + drop(share / share.sum(axis=-1, keepdims=True)) @ value
            x = _normalized(xp, params, f"feed{block}", x)
            inner = xp.maximum(x @ params[f"inner{block}"] + params[f"inner_shift{block}"], 0)
            x = x + drop(drop(inner) @ params[f"outer{block}"] + params[f"outer_shift{block}"])
        return _normalized(xp, params, "last", x)


def _normalized(xp: Any, params: Params, name: str, x: Array) -> Array:
    return normalized(xp, x, params[f"{name}_scale"], params[f"{name}_norm"])


RECOMMENDER = Neural("sasrec", SasrecSettings, lambda own: Attention(own.factors, own.blocks, own.length), dropout=0.2)
