"""Scores all items by a network's state after the merged history: the share of each in a choice of the next item."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from core.codes.item_index import UNKNOWN
from core.ranking.columns import Columns
from recommenders.neural.network import Array, Network, keep
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
        states = cache(lambda: self._with_and_without(touched))

        def reasons(code: int) -> Mapping[int, float]:
            """Return by how much each item of the history raises the logarithm of the item's share, others apart."""
            row = aligned.row_of(code)
            if row == UNKNOWN:
                return {}
            score, *without = self.network.scores(np, self.params, states(), np.array([row]))[:, 0].tolist()
            gains = (score - other for other in without or [0.0])
            return {item: gain for item, gain in zip(own, gains, strict=True) if gain > 0}

        return Candidates(best_rows(Columns(np.arange(len(shares)), shares), most, aligned, question.also), reasons)

    def shares(self, touched: Ints) -> Floats:
        """Return exp(z) / Σ exp(z) over all items, z being the item's score."""
        z = self.network.scores(np, self.params, self._state(touched[None, :]), None)[0].astype(np.float64)
        shares: Floats = np.exp(z - z.max())
        shares /= shares.sum()
        return shares

    def _state(self, touched: Ints) -> Array:
        """Return the state after the last item of each history, shape (histories, factors)."""
        return self.network.states(np, self.params, touched, keep)[:, -1]

    def _with_and_without(self, touched: Ints) -> Array:
        """Return the state after all of them, and, of several, the state without each, shape (states, factors)."""
        state = self._state(touched[None, :])
        if len(touched) == 1:
            return state
        others = np.array([np.delete(touched, k) for k in range(len(touched))])
        return np.concatenate([state, self._state(others)])
