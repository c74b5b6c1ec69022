"""Quantiles of a histogram, as far as its buckets tell them. Pure."""

from collections.abc import Sequence
from itertools import pairwise


def quantile(bounds: Sequence[float], cells: Sequence[float], share: float) -> float | None:
    """Return the value that this share of the counted ones does not exceed, linear within its bucket.

    Args:
        bounds: upper bounds of the buckets, rising.      cells: how many values are in each, then how many lie beyond.
    Returns: the last bound for what lies beyond it; None where nothing was counted.
    """
    counts = list(cells[: len(bounds) + 1])
    wanted, before = share * sum(counts), 0.0
    if not sum(counts):
        return None
    for (low, high), count in zip(pairwise([0.0, *bounds]), counts, strict=False):
        if count and before + count >= wanted:
            return low + (high - low) * (wanted - before) / count
        before += count
    return bounds[-1]
