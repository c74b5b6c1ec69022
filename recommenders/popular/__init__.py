"""What is most frequent in the last hours, the same for everybody."""

from dataclasses import dataclass

from core.settings import setting
from recommenders.counted import Counted

HOURS = 24


@dataclass(frozen=True)
class PopularSettings:
    """``weight``: the source's share of a blend, unitless."""

    weight: float = setting(
        0.2, "the source's share of a blend; 0 turns it off", at_least=0,
        why="[decision 24](decisions/0024-evaluation.md) compares all shares",
    )  # fmt: skip


RECOMMENDER = Counted("popular", PopularSettings, lambda sums: sums.frequent(HOURS))
