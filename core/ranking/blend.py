"""How several sources of candidates become one ranking."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from core.codes.item_index import ItemIndex
from core.ranking.columns import LEFT_OUT, NOBODY, NOTHING, Columns, Ints, Stacked, among
from core.ranking.kernels import READABLE, Kernels
from core.ranking.ranked import in_order

Knots = Sequence[Sequence[float]]  # (score, share of hits), ascending by score


def confidences(knots: Knots, scores: Sequence[float]) -> list[float]:
    """Return the share of hits at each score, 0..1, never falling: linear between the knots and level beyond.

    Args: knots: as learnt by ``core.quality.calibration`` on held-out data; without any the score itself is the answer.
    """
    if not knots:
        return [min(1.0, max(0.0, score)) for score in scores]
    ascending = [score for score, _ in knots]
    return [_between(knots, score, bisect_left(ascending, score)) for score in scores]


def confidence(knots: Knots, score: float) -> float:
    """Return ``confidences`` of one score."""
    return confidences(knots, [score])[0]


def _between(knots: Knots, score: float, at: int) -> float:
    if at in (0, len(knots)):
        return float(knots[min(at, len(knots) - 1)][1])
    (low, below), (high, above) = knots[at - 1], knots[at]
    return float(below + (above - below) * (score - low) / (high - low))


class Blend:
    """The blend: each source is clipped at 0, divided by its maximum over the allowed items, and added by weight.

    Sources that are empty leave their weight to the others, so that a score means the same with and without a model.
    A score in 0..1 is the sum of its ``parts``, the weighted shares of the sources that name the item.
    """

    def __init__(
        self,
        sources: Mapping[str, Columns],
        weights: Mapping[str, float],
        excluded: Ints,
        also: int = NOBODY,
        kernels: Kernels = READABLE,
    ) -> None:
        """Blend ``sources``, each of any scale.

        Args:
            weights: of each source, by name; ties go to the first.      excluded: items that may not be listed.
            also: an item to score like the others although it is excluded.
        """
        self.names, self._kernels = list(weights), kernels
        self._stacked = Stacked.of([sources.get(name, NOTHING) for name in weights])
        self._shares = kernels.shares(self._stacked, np.array(list(weights.values())), excluded, also)
        self.totals = kernels.totals(self._stacked.codes, self._shares)

    def ranking(self, index: ItemIndex) -> Iterator[tuple[int, float]]:
        """Yield (code, score), by score rounded to 12 decimals descending, then by the item's bytes."""
        return in_order(self.totals, index, self._kernels)

    def score(self, code: int) -> float:
        """Return the item's score, 0 where no source names it."""
        at = np.flatnonzero(self.totals.codes == code)
        return float(self.totals.scores[at[0]]) if len(at) else 0.0

    def parts(self, items: Sequence[int]) -> list[dict[str, float]]:
        """Return each item's shares by source."""
        codes, starts = self._stacked.codes, self._stacked.starts
        entry = np.flatnonzero(among(codes, items) & (self._shares != LEFT_OUT))
        source = np.searchsorted(starts, entry, "right") - 1
        parts: dict[int, dict[str, float]] = {code: {} for code in items}
        for code, name, share in zip(codes[entry].tolist(), source.tolist(), self._shares[entry].tolist(), strict=True):
            parts[code][self.names[name]] = share
        return [parts[code] for code in items]

    def strongest(self, items: Sequence[int]) -> list[str | None]:
        """Return each item's ``strongest`` source."""
        return [strongest(parts) for parts in self.parts(items)]

    def features(self, code: int) -> list[dict[str, object]]:
        """Return nothing: fixed weights know no features beside the sources' scores."""
        return []


def strongest(parts: Mapping[str, float]) -> str | None:
    """Return the source of the greatest share, the first of equal ones; None without a source."""
    return max(parts, key=lambda name: parts[name], default=None)
