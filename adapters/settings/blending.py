"""The section of the settings that says how sources become one list."""

from dataclasses import dataclass

from adapters.settings.parsing import sources
from core.settings import setting


@dataclass(frozen=True)
class BlendSettings:
    """How sources become one list."""

    learns: str = setting(
        "similar, popular, trending, latest, als, ease, user_knn",
        "sources that a learned blend may ask, separated by commas; empty: sources keep the weights of their tables",
        parse=sources, variable="blend_learns",
        why="what each adds on public sets is in [quality](quality.md)",
    )  # fmt: skip

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources."""
        return tuple(name.strip() for name in self.learns.split(",") if name.strip())
