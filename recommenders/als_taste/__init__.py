"""ALS with the user solved from all that stands, not only from the last items: the factors are those of ``als``.

A user's recent items say what is wanted now, all of them say what is liked; a blend may want both. An answer costs one
product of f² numbers per standing item more than ``als``.
"""

from dataclasses import dataclass

from core.settings import setting
from recommenders.als.model import opened
from recommenders.als.scorer import AlsScorer
from recommenders.artefact import Artefact
from recommenders.port import Past


@dataclass(frozen=True)
class AlsTasteSettings:
    """``weight``: the source's share of a blend. The model is fitted as ``[recommenders.als]`` says."""

    weight: float = setting(
        0.0, "the source's share of a blend; 0 turns it off", at_least=0, why="off until it is shown to help"
    )


class AlsTaste:
    """Has no artefact of its own."""

    name = "als_taste"
    settings = AlsTasteSettings
    trained = False
    model = "als"

    def fit(self, past: Past, settings: AlsTasteSettings, before: Artefact | None) -> None:
        return None

    def open(self, artefact: Artefact | None, settings: AlsTasteSettings) -> AlsScorer:
        return opened(artefact, whole=True)


RECOMMENDER = AlsTaste()
