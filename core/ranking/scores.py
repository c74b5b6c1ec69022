"""What is computed after the merge and never before: similarity, trend, change (contract §4). Sums in, scores out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.codes.item_index import ItemIndex
from schemas.event import BUCKET_MS, WEIGHT_SCALE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR = 2.3  # m: events added to each item on both sides, so that a few do not make a trend
LOWER_TAIL = 0.05  # the score is the bound that the true rate ratio exceeds with 95 % credibility
LEAST_TREND_COUNT = 5
LEAST_BASELINE_HOURS = 24
TIE_DECIMALS = 12  # scores that agree so far are equal, whatever the order of summation


def similarity(pair: Ints, norm: int, norms: Ints | Floats, shrinkage: float = 0.0) -> Floats:
    """Return the scores of one item's neighbours (cosine over implicit ratings: Huang et al., SIGMOD 2015, eq. 8).

    Args:
        pair: co-ratings with the item, thousandths.      norm: the item's, thousandths.
        norms: the neighbours', thousandths.      shrinkage: co-rating, in ratings, that halves a score; >= 0.
    Returns: min(1, pair / sqrt(norm · norms)) · pair / (pair + shrinkage), in 0..1; 0 where either norm is 0.
    """
    product = float(norm) * norms.astype(np.float64)
    usable = (product > 0) & (pair > 0)
    amount = np.where(usable, pair, 1).astype(np.float64)
    cosine = np.minimum(1.0, amount / np.sqrt(np.where(usable, product, 1.0)))
    return np.where(usable, cosine * (amount / (amount + shrinkage * WEIGHT_SCALE)), 0.0)


@dataclass(frozen=True)
class Window:
    """Hourly buckets (hours since the epoch) that a trend compares; all ranges end before their stop."""

    window: range
    baseline: range  # right before the window
    before: range  # as long as the window and right before it

    @staticmethod
    def ending(as_of: int, hours: int) -> "Window":
        """Return the ``hours`` buckets up to that of ``as_of`` (epoch ms); the baseline has max(24, 3 · hours)."""
        stop = as_of // BUCKET_MS + 1
        start = stop - hours
        length = max(LEAST_BASELINE_HOURS, 3 * hours)
        return Window(range(start, stop), range(start - length, start), range(start - hours, start))


@dataclass(frozen=True)
class WindowCounts:
    """Each item's counts in a ``Window``; ``ratio`` is R: all baseline events / all window events (0: no event)."""

    index: ItemIndex  # a count stands at its item's code; the index may have further items
    window: Ints  # c
    baseline: Ints  # C
    before: Ints  # p1

    @property
    def ratio(self) -> float:
        total = int(self.window.sum())
        return int(self.baseline.sum()) / total if total else 0.0


def rate_ratio_bound(count: Ints, baseline: Ints, ratio: float) -> Floats:
    """Return the lower 5 % bound of how many times as often an item occurs as in its baseline.

    Given c + C events of two Poisson processes, those of the window are binomial (Przyborowski and Wilenski 1940);
    with the prior m the share's posterior is Beta(c + m, C + m·R), and the ratio of rates is R·p/(1 − p).

    Args: count: c.      baseline: C.      ratio: R > 0.
    """
    from scipy.special import betaincinv  # a third of a second to import, and only trends need it

    share = betaincinv(count + PRIOR, baseline + PRIOR * ratio, LOWER_TAIL)
    bound: Floats = ratio * share / (1 - share)
    return bound


def rising(counts: WindowCounts) -> tuple[Ints, Floats]:
    """Return the codes of the items that grow, at least 5 events and a bound above 1, and their bounds. Needs R > 0."""
    from scipy.special import betainc

    enough = np.flatnonzero(counts.window >= LEAST_TREND_COUNT)
    if len(enough) == 0:
        return enough, np.zeros(0)
    ratio, base = counts.ratio, int(counts.baseline.max()) + 1
    # Many items share their two numbers.
    pairs, where = np.unique(counts.window[enough] * base + counts.baseline[enough], return_inverse=True)
    count, baseline = pairs // base, pairs % base
    # The bound is above 1 where less than its tail lies at or below 1, which is cheaper to compute than the bound.
    tail = betainc(count + PRIOR, baseline + PRIOR * ratio, 1 / (1 + ratio))
    likely = np.flatnonzero(tail < LOWER_TAIL * 1.01)
    bounds = np.zeros(len(pairs))
    bounds[likely] = rate_ratio_bound(count[likely], baseline[likely], ratio)
    grows = bounds[where] > 1
    return enough[grows], bounds[where][grows]


def has_trend(counts: WindowCounts, window: Window, oldest_bucket: int | None) -> bool:
    """Return whether the baseline is full and no thinner than the window; otherwise only popularity is known."""
    return counts.ratio >= 1 and oldest_bucket is not None and oldest_bucket <= window.baseline.start


def smoothed_change(count: int, previous: int) -> float:
    """Return (c − p) / (p + 1), which is defined for every p >= 0."""
    return (count - previous) / (previous + 1)


def relative_change(count: int, previous: int) -> float | None:
    """Return (c − p) / p; None at p = 0."""
    return (count - previous) / previous if previous else None
