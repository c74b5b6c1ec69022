"""How sure a mean is: percentile bootstrap, seeded, so that the same figures have the same interval."""

from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES, CONFIDENCE = 1_000, (2.5, 97.5)
SEED = 7
FEWEST_USERS = 2
DECIMALS = 4


def interval(values: Floats, groups: Ints | None = None) -> list[float] | None:
    """Return the 95 % interval of the mean; None of fewer than two users, who say nothing of how others differ.

    Args: groups: whose value each is, codes from 0: users are resampled with all that is theirs. None: a user each.
    """
    if len(values if groups is None else np.unique(groups)) < FEWEST_USERS:
        return None
    if groups is None:
        means = (_drawn(len(values)) @ values) / len(values)  # each user is one value, so a resample has as many
    else:
        whose = np.unique(groups, return_inverse=True)[1]
        sums, sizes = np.bincount(whose, values), np.bincount(whose)
        times = _drawn(len(sums))
        means = (times @ sums) / (times @ sizes.astype(np.float64))
    return [round(bound, DECIMALS) for bound in np.percentile(means, CONFIDENCE).tolist()]


def difference(ours: Floats, theirs: Floats, groups: Ints | None = None) -> tuple[float, list[float] | None]:
    """Return the mean of ours - theirs, pair by pair, and its 95 % interval as of ``interval``."""
    gaps = ours - theirs
    return (round(float(gaps.mean()), DECIMALS) if len(gaps) else 0.0), interval(gaps, groups)


def surely_below(mean: float, bounds: Sequence[float], tried: int = 1) -> bool:
    """Return whether a difference is below 0 by more than its 95 % interval, widened for the least of ``tried`` ones.

    Whoever picks the least of many differences finds one below 0 by luck: each is asked at 5 % / ``tried`` (Dunn 1961).
    """
    normal = NormalDist()
    widened = normal.inv_cdf(1 - 0.025 / max(1, tried)) / normal.inv_cdf(0.975)
    return mean + (bounds[1] - mean) * widened < 0


@lru_cache(1)  # one report asks for the same number of users again and again
def _drawn(n: int) -> Floats:
    """Return how often each of n is drawn in each resample, shape (RESAMPLES, n)."""
    rng = np.random.default_rng(SEED)
    return np.array([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(RESAMPLES)], np.float64)
