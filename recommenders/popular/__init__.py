"""What is most frequent now: hourly counts that fade, the same for everybody."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.ranking.ranked import Ordered
from core.settings import setting
from recommenders.counted import Ranking, counted
from recommenders.port import Floats, Ints, Sums

LEAST_HOURS, MOST_HOURS = 1, 336  # buckets are hours; the counts of eight half-lives are read
HALF_LIVES_HOURS = (4.0, 16.0, 48.0, 168.0)  # news, the default, shops, and what sells all year


@dataclass(frozen=True)
class PopularSettings:
    """``weight``: the source's share of a blend, unitless. ``half_life_hours``: after which a count is worth half."""

    weight: float = setting(
        0.2, "the source's share of a blend; 0 turns it off", at_least=0,
        why="[decision 24](decisions/0024-evaluation.md) compares all shares",
    )  # fmt: skip
    half_life_hours: float = setting(
        16.0, "a count is worth half after this many hours", at_least=LEAST_HOURS, at_most=MOST_HOURS,
        why="as good as a window of 24 h or better on five sets ([decision 36](decisions/0036-live-sources.md)); "
        "news live on 4, shops on 50; the counts of eight half-lives are read",
    )  # fmt: skip


def by_half_life(settings: PopularSettings) -> Ranking:
    """Return how the items are ranked with those settings."""
    hours = settings.half_life_hours

    def ranking(sums: Sums) -> Ordered | None:
        return sums.decayed(hours)

    return ranking


def counts_at(sums: Sums, codes: Ints, half_lives_hours: Sequence[float] = HALF_LIVES_HOURS) -> Floats:
    """Return each item's decayed count at each half-life, exact, 0 where none counts: shape (half-lives, codes)."""
    counts = np.zeros((len(half_lives_hours), len(codes)))
    for row, hours in zip(counts, half_lives_hours, strict=True):
        ranked = sums.decayed(hours)
        if ranked is None or not len(ranked.scored.codes):
            continue
        counted, scores = ranked.scored  # ascending by code
        at = np.minimum(np.searchsorted(counted, codes), len(counted) - 1)
        row[:] = np.where(counted[at] == codes, scores[at], 0.0)
    return counts


RECOMMENDER = counted("popular", PopularSettings, by_half_life)
