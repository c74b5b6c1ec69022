"""Items in two dimensions: the principal components of the directions of their factors. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOTHING = 1e-9  # of a unit length: what rounding leaves of factors that do not differ
LEARNED_FROM = 100_000  # items at most that the axes are computed from, evenly spread over the names


@dataclass(frozen=True)
class Place:
    """One item on the map; ``x`` and ``y`` are in -1 to 1, ``count`` is its events in the report's range."""

    item_id: str
    title: str | None
    category: str | None
    count: int
    x: float
    y: float


@dataclass(frozen=True)
class ItemMap:
    """Items, the most popular first. ``model``: whose factors; ``shown``: share of the variance that the axes hold."""

    model: str
    shown: float
    places: Sequence[Place]


def principal(factors: NDArray[Any], rows: Sequence[int]) -> tuple[NDArray[np.float64], float]:
    """Return the rows' first two principal coordinates, scaled into -1 to 1, and the share of the variance in them.

    Factors are taken by direction alone: their lengths say how popular an item is, not what it is like. The sign of
    each axis is fixed, so that equal factors give an equal map.

    Args: factors: shape (items, factors).      rows: the items to place.
    """
    learned = _directions(factors[:: max(1, -(-len(factors) // LEARNED_FROM))])
    centre = learned.mean(axis=0)
    variances, axes = np.linalg.eigh((learned - centre).T @ (learned - centre))
    axes, total = axes[:, ::-1][:, :2], float(variances.sum())
    strongest = axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])]
    placed = (_directions(factors[list(rows)]) - centre) @ (axes * np.where(strongest < 0, -1, 1))
    placed = np.pad(placed, ((0, 0), (0, 2 - placed.shape[1])))
    if len(placed):
        placed = placed - (placed.max(axis=0) + placed.min(axis=0)) / 2  # the chosen items fill the map
    reach = np.abs(placed).max(axis=0, initial=0.0)
    shown = float(variances[-2:].sum()) / total if total > NOTHING * len(learned) else 0.0
    return placed / np.where(reach > NOTHING, reach, 1), shown


def _directions(factors: NDArray[Any]) -> NDArray[np.float64]:
    rows = factors.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))
