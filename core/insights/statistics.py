"""Intervals of rates, of their differences and of ratios, by published formulas.

- Wilson's score interval of a proportion (Wilson, JASA 1927), with the effective sample size n / deff (Kish 1965):
  events of one hour come from the same sessions and are alike. ``design_effect`` estimates deff from the hours by the
  variance of a ratio of sums (Cochran, Sampling Techniques, 1977, eq. 2.39).
- The difference of two proportions: Newcombe's hybrid score interval (Statistics in Medicine 1998, method 10).
- The ratio of two proportions: on the logarithm (Katz et al., Biometrics 1978).
- The ratio of two event rates: on the logarithm of two Poisson counts (Rothman and Greenland, Modern Epidemiology),
  with their variance times a dispersion (quasi-Poisson: McCullagh and Nelder, Generalized Linear Models, 1989, ch. 6).

Where several comparisons are looked at together, each is made at the level 1 - 0.05 / comparisons (Bonferroni).
"""

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ALPHA = 0.05
NO_EFFECT = 1.0


class Bounds(NamedTuple):
    """An estimate with its interval."""

    value: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        return self.low > value or self.high < value


@dataclass(frozen=True)
class Rate:
    """``count`` of ``of``; ``deff``: how many times less the events say than as many independent ones would (>= 1)."""

    count: int
    of: int
    deff: float = NO_EFFECT

    @property
    def value(self) -> float | None:
        """The rate; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def is_share(self) -> bool:
        """Whether it is a proportion, which alone has an interval here."""
        return 0 <= self.count <= self.of > 0

    def bounds(self, comparisons: int = 1) -> Bounds | None:
        """Return Wilson's interval; None where it is no proportion."""
        if not self.is_share:
            return None
        p, n, z = self.count / self.of, self.of / self.deff, normal_quantile(comparisons)
        middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        scale = 1 + z * z / n
        return Bounds(p, max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale))


def normal_quantile(comparisons: int = 1) -> float:
    """Return how many standard errors a two-sided interval takes, at 95 % for all comparisons together."""
    from scipy.special import ndtri

    return float(ndtri(1 - ALPHA / (2 * max(1, comparisons))))


def student_quantile(degrees: int, comparisons: int = 1) -> float:
    """Return the same of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(max(1, degrees), 1 - ALPHA / (2 * max(1, comparisons))))


def design_effect(counts: Ints, sizes: Ints) -> float:
    """Return deff of Σ counts / Σ sizes from parts, such as hours, each with its own two; at least 1."""
    used = sizes > 0
    k, n = counts[used].astype(np.float64), sizes[used].astype(np.float64)
    if len(n) < 2 or n.sum() == 0:
        return NO_EFFECT
    p = k.sum() / n.sum()
    if not 0 < p < 1:
        return NO_EFFECT
    spread = len(n) / (len(n) - 1) * float(((k - p * n) ** 2).sum())
    return max(NO_EFFECT, spread / float(n.sum() * p * (1 - p)))


def difference(a: Rate, b: Rate, comparisons: int = 1) -> Bounds | None:
    """Return a - b with Newcombe's interval; None where one is no proportion."""
    one, other = a.bounds(comparisons), b.bounds(comparisons)
    if one is None or other is None:
        return None
    gap = one.value - other.value
    below = sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    above = sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return Bounds(gap, gap - below, gap + above)


def proportion_ratio(a: Rate, b: Rate, comparisons: int = 1) -> Bounds | None:
    """Return a / b with Katz's interval; None where one is no proportion or 0."""
    if not (a.is_share and b.is_share and a.count and b.count):
        return None
    variance = sum(rate.deff * (1 / rate.count - 1 / rate.of) for rate in (a, b))
    return _on_logarithm(a.count / a.of / (b.count / b.of), variance, normal_quantile(comparisons))


def event_rate_ratio(
    a: int, hours_a: float, b: int, hours_b: float, dispersion: float, quantile: float
) -> Bounds | None:  # fmt: skip
    """Return (a / hours_a) / (b / hours_b) with its interval; None where one is 0.

    Args: dispersion: variance of the counts by their mean, >= 1.      quantile: standard errors of the interval.
    """
    if not (a and b and hours_a and hours_b):
        return None
    return _on_logarithm(a / hours_a / (b / hours_b), dispersion * (1 / a + 1 / b), quantile)


def _on_logarithm(ratio: float, variance: float, quantile: float) -> Bounds:
    half = quantile * sqrt(max(0.0, variance))
    return Bounds(ratio, exp(log(ratio) - half), exp(log(ratio) + half))


def dispersion(table: Floats, expected: Floats, degrees: int) -> float:
    """Return Pearson's χ² of counts against what is expected of them, by its degrees of freedom; at least 1."""
    used = expected > 0
    if degrees < 1 or not used.any():
        return NO_EFFECT
    return max(NO_EFFECT, float((((table - expected) ** 2)[used] / expected[used]).sum()) / degrees)


def rows_by_columns(table: Floats) -> float:
    """Return the dispersion of a table of counts around the product of its margins."""
    total = table.sum()
    if not total or min(table.shape) < 2:
        return NO_EFFECT
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    return dispersion(table, expected, (table.shape[0] - 1) * (table.shape[1] - 1))
