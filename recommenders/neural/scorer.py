"""Scores all items by a network's state after the merged history: the share of each in a choice of the next item."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from core.codes.item_index import UNKNOWN
from core.ranking.columns import Columns
from recommenders.neural.network import ITEMS, OUT, Array, Network, keep
from recommenders.pairs import best_rows
from recommenders.port import Candidates, Floats, Ints, Question


@dataclass(frozen=True)
class NetworkScorer:
    """``params``: the trained numbers, the tables with a row for each of ``items``; ``length``: items that count."""

    items: list[bytes]
    network: Network
    params: Mapping[str, Array]
    length: int

    of_user_alone: ClassVar[bool] = True

    def candidates(self, question: Question, most: int) -> Candidates:
        aligned = question.sums.index.aligned(self.items)
        rows = aligned.rows_of(question.codes)
        known = np.flatnonzero(rows != UNKNOWN)[-self.length :]
        if not len(known):
            return Candidates()
        own, touched = question.codes[known].tolist(), rows[known]
        shares = self.shares(touched)
        lost = cache(lambda: self._lost(touched))

        def reasons(code: int) -> Mapping[int, float]:
            """Return by how much each item of the history raises the logarithm of the item's share, others apart."""
            row = aligned.row_of(code)
            gains = [] if row == UNKNOWN else (lost() @ self._out[row]).tolist()
            return {item: gain for item, gain in zip(own, gains, strict=False) if gain > 0}

        return Candidates(best_rows(Columns(np.arange(len(shares)), shares), most, aligned, question.also), reasons)

    def shares(self, touched: Ints) -> Floats:
        """Return exp(z) / Σ exp(z) over all items, z being the product of the state with an item's vector."""
        z = (self._out @ self._state(touched[None, :])[0]).astype(np.float64)
        shares: Floats = np.exp(z - z.max())
        shares /= shares.sum()
        return shares

    def _state(self, touched: Ints) -> Array:
        """Return the state after the last item of each history, shape (histories, factors)."""
        return self.network.states(np, self.params, touched, keep)[:, -1]

    def _lost(self, touched: Ints) -> Array:
        """Return what the state loses without each of the touched items, shape (touched, factors)."""
        state = self._state(touched[None, :])
        if len(touched) == 1:
            return state
        others = np.array([np.delete(touched, k) for k in range(len(touched))])
        return state - self._state(others)

    @property
    def _out(self) -> Array:
        return self.params.get(OUT, self.params[ITEMS])
