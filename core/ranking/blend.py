"""How several sources of candidates become one ranking."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from core.ranking.scores import TIE_DECIMALS

Knots = Sequence[Sequence[float]]  # (score, share of hits), ascending by score


class Blended(NamedTuple):
    """One candidate: ``score`` in 0..1 is the sum of ``parts``, the weighted shares of the sources that name it."""

    item: bytes
    score: float
    shares: Mapping[str, Mapping[bytes, float]]  # of all candidates, by source

    @property
    def parts(self) -> dict[str, float]:
        """This one's, by source."""
        return {name: shares[self.item] for name, shares in self.shares.items() if self.item in shares}

    @property
    def source(self) -> str:
        """The strongest source; of equally strong ones the first that was asked."""
        parts = self.parts
        return max(self.shares, key=lambda name: parts.get(name, 0.0))


def confidence(knots: Knots, score: float) -> float:
    """0..1, never falling with the score: the share of hits at that score, linear between the knots and level beyond.

    Args: knots: as learnt by ``core.ranking.calibration`` on held-out data; without any the score itself is the answer.
    """
    if not knots:
        return min(1.0, max(0.0, score))
    at = bisect_left(knots, score, key=lambda knot: knot[0])
    if at in (0, len(knots)):
        return float(knots[min(at, len(knots) - 1)][1])
    (low, below), (high, above) = knots[at - 1], knots[at]
    return float(below + (above - below) * (score - low) / (high - low))


def blend(
    sources: Mapping[str, Mapping[bytes, float]],
    weights: Mapping[str, float],
    excluded: Collection[bytes],
    also: bytes | None = None,
) -> Iterator[Blended]:
    """Each source clipped at 0, divided by its maximum over the items allowed, and added by its weight.

    Sources that are empty leave their weight to the others, so that a score means the same with and without a model.

    Args:
        sources: by name, item -> score of any scale.      weights: of each source, by name; ties go to the first.
        excluded: items that may not be listed.
        also: an item to score like the others although it is excluded.
    Returns: by score rounded to 12 decimals descending, then by the item's bytes; only scores > 0.
    """
    named: list[tuple[str, dict[bytes, float], float]] = []
    present = 0.0
    for name, weight in weights.items():
        allowed = {item: s for item, s in sources.get(name, {}).items() if s > 0 and item not in excluded}
        if not allowed:
            continue
        present += weight
        best = max(allowed.values())
        if also is not None and (own := sources[name].get(also, 0.0)) > 0:
            allowed[also] = min(own, best)
        named.append((name, allowed, best))
    shares, totals = dict[str, dict[bytes, float]](), dict[bytes, float]()
    for name, allowed, best in named:
        weight = weights[name]
        shares[name] = {item: weight * score / best / present for item, score in allowed.items()}
        for item, share in shares[name].items():
            totals[item] = totals.get(item, 0.0) + share
    return _ranked(totals, shares)


def _ranked(totals: Mapping[bytes, float], shares: Mapping[str, Mapping[bytes, float]]) -> Iterator[Blended]:
    """In order, each made when it is asked for: of thousands a page has ten."""
    items, scores = list(totals), list(totals.values())
    falling = np.argsort(-np.array(scores)).tolist()  # and so do the rounded ones: equal ones are neighbours
    for _, equal in groupby(falling, lambda k: round(scores[k], TIE_DECIMALS)):
        for k in sorted(equal, key=items.__getitem__):
            yield Blended(items[k], scores[k], shares)
