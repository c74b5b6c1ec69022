"""What grows in the last hours against its baseline, by the bound of the rate ratio (contract §4)."""

from dataclasses import dataclass

from core.settings import setting
from recommenders.counted import counted

HOURS = 24


@dataclass(frozen=True)
class TrendingSettings:
    """``weight``: the source's share of a blend, unitless."""

    weight: float = setting(
        0.1, "the source's share of a blend; 0 turns it off", at_least=0,
        why="[decision 24](decisions/0024-evaluation.md) compares all shares",
    )  # fmt: skip


RECOMMENDER = counted("trending", TrendingSettings, lambda _: lambda sums: sums.rising(HOURS))
