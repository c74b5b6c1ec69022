"""What grows in the last hours against its baseline, by the bound of the rate ratio (contract §4)."""

from dataclasses import dataclass

from recommenders.counted import Counted

HOURS = 24


@dataclass(frozen=True)
class TrendingSettings:
    """``weight``: the source's share of a blend, unitless."""

    weight: float = 0.1


RECOMMENDER = Counted("trending", TrendingSettings, lambda sums: sums.rising(HOURS))
