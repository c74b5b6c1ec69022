"""All candidates of one question, kept small: confidence is learned from lists as an answer would compute them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.ranking.columns import Floats, Ints
from core.ranking.features import Features


@dataclass(frozen=True)
class EveryCandidate:
    """What is known of each candidate of a question: ``Features`` in half the memory, and the traits.

    ``rows``, ``shares`` and ``ranks`` are columns of entries, signal k having ``starts[k]`` to ``starts[k + 1]``.
    ``traits``: shape (candidates, traits).
    """

    rows: NDArray[np.unsignedinteger]
    shares: NDArray[np.float32]
    ranks: NDArray[np.float32]
    starts: Ints
    traits: NDArray[np.float32]

    @staticmethod
    def of(known: Features, traits: Floats) -> "EveryCandidate":
        """Return the same in fewer bytes."""
        rows = known.rows.astype(np.min_scalar_type(len(known.codes)))
        shares, ranks = known.shares.astype(np.float32), known.ranks.astype(np.float32)
        return EveryCandidate(rows, shares, ranks, known.starts, traits.astype(np.float32))

    def speaking(self, weights: Floats, asked: NDArray[np.bool_], of_traits: Floats) -> tuple[Ints, Floats]:
        """Return the places of those candidates that an asked signal lists, and the sum of value * weight of each.

        Args: weights: of each signal's features, shape (signals, features).      asked: of each signal.
        """
        signal = np.repeat(np.arange(len(asked)), np.diff(self.starts))
        entry = np.flatnonzero(asked[signal])
        row, own = self.rows[entry].astype(np.int64), weights[signal[entry]]
        values = self.shares[entry] * own[:, 0] + self.ranks[entry] * own[:, 1] + own[:, 2]
        listed = np.flatnonzero(np.bincount(row, minlength=len(self.traits)))
        sums = np.bincount(row, values, len(self.traits)) + self.traits @ of_traits
        return listed, sums[listed]
