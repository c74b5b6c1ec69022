"""Sources that learn nothing: what they need is merged at each answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recommenders.artefact import Artefact
from recommenders.port import Past, Scorer


@dataclass(frozen=True)
class Untrained:
    """A recommender that only reads. ``scorer``: opens it by its settings."""

    name: str
    settings: type[Any]
    scorer: Callable[[Any], Scorer]
    trained: bool = False

    def fit(self, past: Past, settings: Any, before: Artefact | None) -> None:
        return None

    def open(self, artefact: Artefact | None, settings: Any) -> Scorer:
        return self.scorer(settings)
