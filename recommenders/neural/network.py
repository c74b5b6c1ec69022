"""The port of a network, and the arithmetic that its two engines share: JAX, which trains it, and NumPy, which serves.

Everything here takes the engine as ``xp``: numpy or jax.numpy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

ITEMS, OUT = "items", "out"  # tables: a row per item. Of what is touched, and of what may come next, if it differs.
TABLES = (ITEMS, OUT)
NOBODY = -1  # fills histories that are shorter than others
SPREAD = 0.05  # standard deviation of the first numbers of a table

Rows = NDArray[np.int32]
Array = Any  # of either engine
Params = Mapping[str, Array]
Drop = Callable[[Array], Array]  # what a fit leaves out by chance


def keep(array: Array) -> Array:
    """Return all of it: serving leaves nothing out."""
    return array


class Network(Protocol):
    """How a history becomes a state. Frozen and hashable: a compiled step is kept by it."""

    def begun(self, rng: np.random.Generator, rows: int) -> dict[str, Array]:
        """Return the first numbers; ``rows``: of a table, at least as many as there are items."""

    def states(self, xp: Any, params: Params, inputs: Array, drop: Drop) -> Array:
        """Return the state after each item, shape (histories, length, factors).

        Args: inputs: rows of the items in order, shape (histories, length), ``NOBODY`` after the last.
        """

    def scores(self, xp: Any, params: Params, states: Array, rows: Array | None) -> Array:
        """Return how likely each of these items is next, shape (states, rows); None: all items."""

    def own(self, xp: Any, params: Params, states: Array, rows: Array) -> Array:
        """Return the score of one item for each state, shape (states,)."""


class Product:
    """What most networks score by: the product of the state with an item's vector."""

    def scores(self, xp: Any, params: Params, states: Array, rows: Array | None) -> Array:
        out = params.get(OUT, params[ITEMS])
        return states @ (out if rows is None else out[rows]).T

    def own(self, xp: Any, params: Params, states: Array, rows: Array) -> Array:
        return (states * params.get(OUT, params[ITEMS])[rows]).sum(axis=-1)


@dataclass(frozen=True)
class Batch:
    """Histories and what came next, both (histories, length); ``drawn`` rows and the logarithms that correct them."""

    inputs: Rows
    targets: Rows
    drawn: Rows
    corrections: Array


def table(rng: np.random.Generator, rows: int, factors: int) -> Array:
    """Return the first numbers of a table."""
    return rng.normal(0, SPREAD, (rows, factors)).astype(np.float32)


def dense(rng: np.random.Generator, inputs: int, outputs: int) -> Array:
    """Return the first numbers of a layer's matrix (Glorot and Bengio 2010)."""
    return rng.normal(0, np.sqrt(2 / (inputs + outputs)), (inputs, outputs)).astype(np.float32)


def embedded(xp: Any, params: Params, inputs: Array) -> Array:
    """Return the items' vectors, zeros for ``NOBODY``."""
    return params[ITEMS][xp.maximum(inputs, 0)] * (inputs >= 0)[..., None]


def fading_mean(xp: Any, vectors: Array, step_back: float) -> Array:
    """Return after each place the mean of all vectors up to it, weighed ``step_back`` for each step back."""
    places = np.arange(vectors.shape[1])
    back = places[:, None] - places[None, :]
    weights = np.where(back >= 0, step_back ** np.maximum(back, 0), 0.0)
    return xp.asarray((weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)) @ vectors


def normalized(xp: Any, x: Array, scale: Array, shift: Array) -> Array:
    """Return x with mean 0 and deviation 1 along its last axis, scaled and shifted (Ba, Kiros, Hinton 2016)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = xp.sqrt((centred * centred).mean(axis=-1, keepdims=True) + 1e-6)
    return centred / deviation * scale + shift
