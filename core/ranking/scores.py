"""What is computed after the merge and never before: similarity, trend, change (contract §4). Sums in, scores out."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from schemas.event import BUCKET_MS, WEIGHT_SCALE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TREND, POPULAR = "trend", "popular"  # why an item is listed
PRIOR = 2.3  # m: events added to each item on both sides, so that a few do not make a trend
LOWER_TAIL = 0.05  # the score is the bound that the true rate ratio exceeds with 95 % credibility
LEAST_TREND_COUNT = 5
LEAST_BASELINE_HOURS = 24
TIE_DECIMALS = 12  # scores that agree so far are equal, whatever the order of summation


def similarity(pair: Ints, norm: int, norms: Ints | Floats, shrinkage: float = 0.0) -> Floats:
    """Score of one item's neighbours (cosine over implicit ratings: Huang et al., SIGMOD 2015, eq. 8).

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


def ranked(scores: Iterable[tuple[bytes, float]]) -> list[tuple[bytes, float]]:
    """By score rounded to 12 decimals, descending, then by the name's UTF-8 bytes; only scores > 0."""
    listed = [(name, score) for name, score in scores if score > 0]
    return sorted(listed, key=lambda each: (-round(each[1], TIE_DECIMALS), each[0]))


@dataclass(frozen=True)
class Window:
    """Hourly buckets (hours since the epoch) that a trend compares; all ranges end before their stop."""

    window: range
    baseline: range  # right before the window
    before: range  # as long as the window and right before it

    @staticmethod
    def ending(as_of: int, hours: int) -> "Window":
        """The ``hours`` buckets that end with the one of ``as_of`` (epoch ms); baseline max(24, 3 · hours) buckets."""
        stop = as_of // BUCKET_MS + 1
        start = stop - hours
        length = max(LEAST_BASELINE_HOURS, 3 * hours)
        return Window(range(start, stop), range(start - length, start), range(start - hours, start))


@dataclass(frozen=True)
class WindowCounts:
    """Each item's counts in a ``Window``; ``ratio`` is R: all baseline events / all window events (0: no event)."""

    items: Sequence[bytes]  # may be longer than the counts
    window: Ints  # c
    baseline: Ints  # C
    before: Ints  # p1

    @property
    def ratio(self) -> float:
        total = int(self.window.sum())
        return int(self.baseline.sum()) / total if total else 0.0


@dataclass(frozen=True)
class Trend:
    """One trending item: counts and factors are unitless; ``expected`` and ``growth`` are None in a popularity list."""

    item: bytes
    score: float
    count: int
    expected: float | None
    growth: float | None
    change: float

    @property
    def basis(self) -> str:
        """Why it is listed: it rises (``trend``), or it is frequent (``popular``)."""
        return POPULAR if self.expected is None else TREND


def rate_ratio_bound(count: Ints, baseline: Ints, ratio: float) -> Floats:
    """Lower 5 % bound of how many times as often an item occurs as in its baseline.

    Given c + C events of two Poisson processes, those of the window are binomial (Przyborowski and Wilenski 1940);
    with the prior m the share's posterior is Beta(c + m, C + m·R), and the ratio of rates is R·p/(1 − p).

    Args: count: c.      baseline: C.      ratio: R > 0.
    """
    from scipy.special import betaincinv  # a third of a second to import, and only trends need it

    share = betaincinv(count + PRIOR, baseline + PRIOR * ratio, LOWER_TAIL)
    bound: Floats = ratio * share / (1 - share)
    return bound


def rising(counts: WindowCounts) -> tuple[Ints, Floats]:
    """Which items grow, at least 5 events and a bound above 1, in the table's order, and their bounds. Needs R > 0."""
    from scipy.special import betainc

    enough = np.flatnonzero(counts.window >= LEAST_TREND_COUNT)
    if len(enough) == 0:
        return enough, np.zeros(0)
    ratio, base = counts.ratio, int(counts.baseline.max()) + 1
    # Many items share their two numbers.
    pairs, where = np.unique(counts.window[enough] * base + counts.baseline[enough], return_inverse=True)
    count, baseline = pairs // base, pairs % base
    # The bound is above 1 where less than its tail lies at or below 1. That is told sooner than the bound.
    tail = betainc(count + PRIOR, baseline + PRIOR * ratio, 1 / (1 + ratio))
    likely = np.flatnonzero(tail < LOWER_TAIL * 1.01)
    bounds = np.zeros(len(pairs))
    bounds[likely] = rate_ratio_bound(count[likely], baseline[likely], ratio)
    grows = bounds[where] > 1
    return enough[grows], bounds[where][grows]


@dataclass(frozen=True)
class Ranked:
    """Items of a table by score descending, then by id: put in order only as they are read, as most never are."""

    counts: WindowCounts
    rows: Ints  # positions in the table; their scores fall
    scores: Floats
    groups: Sequence[int]  # where each stretch of equal scores begins, and the end
    ratio: float | None  # R; None in a popularity list

    @staticmethod
    def of(counts: WindowCounts, rows: Ints, scores: Floats, ratio: float | None) -> "Ranked":
        order = np.argsort(-scores)
        falling = scores[order]
        groups = np.flatnonzero(np.diff(falling, prepend=np.inf, append=-np.inf)).tolist()
        return Ranked(counts, rows[order], falling, groups, ratio)

    def __iter__(self) -> Iterator[Trend]:
        return (_trend(self.counts, k, score, self.ratio) for k, score in self._in_order())

    def best(self, wanted: int) -> dict[bytes, float]:
        """The scores of the first so many."""
        return {self.counts.items[k]: score for k, score in islice(self._in_order(), wanted)}

    def score(self, item: bytes) -> float | None:
        """None when the item is not in the list."""
        try:
            at = np.flatnonzero(self.rows == self.counts.items.index(item))
        except ValueError:
            return None
        return float(self.scores[at[0]]) if len(at) else None

    def _in_order(self) -> Iterator[tuple[int, float]]:
        for first, end in pairwise(self.groups):
            score = float(self.scores[first])
            for k in sorted(self.rows[first:end].tolist(), key=self.counts.items.__getitem__):
                yield k, score


def trends(counts: WindowCounts) -> Ranked:
    """Items that grow. Needs R > 0."""
    return Ranked.of(counts, *rising(counts), counts.ratio)


def popular(counts: WindowCounts) -> Ranked:
    """Items by their count in the window: what is said while there is no full baseline."""
    present = np.flatnonzero(counts.window >= 1)
    return Ranked.of(counts, present, counts.window[present].astype(np.float64), None)


def has_trend(counts: WindowCounts, window: Window, oldest_bucket: int | None) -> bool:
    """Whether the baseline is full and no thinner than the window; otherwise popularity is all that can be told."""
    return counts.ratio >= 1 and oldest_bucket is not None and oldest_bucket <= window.baseline.start


def _trend(counts: WindowCounts, k: int, score: float, ratio: float | None) -> Trend:
    c, before = int(counts.window[k]), int(counts.before[k])
    expected = None if ratio is None else int(counts.baseline[k]) / ratio
    growth = None if expected is None else math.log((c + PRIOR) / (expected + PRIOR))
    return Trend(counts.items[k], score, c, expected, growth, smoothed_change(c, before))


def smoothed_change(count: int, previous: int) -> float:
    """(c − p) / (p + 1): defined for every p >= 0."""
    return (count - previous) / (previous + 1)


def relative_change(count: int, previous: int) -> float | None:
    """(c − p) / p; None at p = 0."""
    return (count - previous) / previous if previous else None
