"""Hourly counts that fade: a count halves with each half-life, in whole units so that no order of adding matters."""

import math
from functools import lru_cache

import numpy as np

from core.ranking.columns import Floats, Ints

UNIT = 1 << 20  # a count of the hour that is now; sums of whole units are exact, however a log was cut into parts
HALVINGS = 8  # an hour older than that many half-lives does not count: it would count less than 1 in 256


@lru_cache(64)  # asked for at every answer
def faded(half_life_hours: float) -> Ints:
    """Return what a count is worth by its age in whole hours, in units; older ones are worth nothing."""
    ages = np.arange(math.ceil(HALVINGS * half_life_hours))
    worth: Ints = np.rint(UNIT * np.exp2(-ages / half_life_hours)).astype(np.int64)
    worth.flags.writeable = False
    return worth


def hours_of(half_life_hours: float, as_of_bucket: int) -> range:
    """Return the buckets (hours since the epoch) that count, the last of which is that of ``as_of``."""
    return range(as_of_bucket + 1 - math.ceil(HALVINGS * half_life_hours), as_of_bucket + 1)


def in_counts(units: Ints) -> Floats:
    """Return sums of units as counts of the hour that is now."""
    counts: Floats = units / UNIT
    return counts
