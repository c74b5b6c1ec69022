"""What is most frequent in the last hours, the same for everybody."""

from dataclasses import dataclass

from recommenders.counted import Counted

HOURS = 24


@dataclass(frozen=True)
class PopularSettings:
    """``weight``: the source's share of a blend, unitless."""

    weight: float = 0.2


RECOMMENDER = Counted("popular", PopularSettings, lambda sums: sums.frequent(HOURS))
