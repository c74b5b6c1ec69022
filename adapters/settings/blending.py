"""The section of the settings that says how sources become one list."""

from dataclasses import dataclass

from adapters.settings.parsing import EVERY_SOURCE, sources
from core.ranking.variety import Variety
from core.settings import setting
from recommenders import TABLE


@dataclass(frozen=True)
class BlendSettings:
    """How sources become one list."""

    learns: str = setting(
        "similar, popular, trending, affinity, repeat, latest, als, ease, user_knn",
        "sources that a learned blend may ask, separated by commas; `all`: every one; empty: sources keep the weights "
        "of their tables",
        parse=sources, variable="blend_learns",
        why="what each adds on public sets is in [quality](quality.md)",
    )  # fmt: skip
    explore: float = setting(
        0.0, "share of a list's places that new items get, drawn by user and place; 0: none", at_least=0, at_most=0.5,
        variable="blend_explore", why="a shop decides what new items are worth; Thompson sampling chooses among them",
    )  # fmt: skip
    per_category: int = setting(
        0, "rows of one main category among any ten of a list of recommendations, as far as there are others; 0: any",
        at_least=0, at_most=10, variable="blend_per_category", why="the best ten are the best whatever their category",
    )  # fmt: skip

    @property
    def variety(self) -> Variety:
        """What a list holds beside the best."""
        return Variety(self.explore, self.per_category)

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources."""
        if self.learns == EVERY_SOURCE:
            return tuple(TABLE)
        return tuple(name.strip() for name in self.learns.split(",") if name.strip())
