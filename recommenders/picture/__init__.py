"""What items look like: a user as the weighted mean of the pictures of what the history holds.

The vectors are those of the index that ``millrace pictures index`` made last before the batch run; an item of them
needs no event. They belong to the generation, so an answer never mixes two indexes.

Bytes: 4 per number of a vector, some 400 per item.
"""

from dataclasses import dataclass

import numpy as np

from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.contents import first_by_name, report_silent
from recommenders.dense import DenseScorer
from recommenders.port import Past

VECTORS = "vectors"


@dataclass(frozen=True, kw_only=True)
class PicturedSettings:
    """``weight``: the source's share of a blend."""

    weight: float = setting(
        0.0, "the source's share of a blend; 0 turns it off", at_least=0, why="it needs an index of pictures"
    )
    step_back: float = setting(
        0.9, "what an item touched one step earlier says of a user", at_least=0, at_most=1, why="as for `tfidf`"
    )
    most_items: int = setting(
        100_000, "items that take part, the first by name", at_least=1, why="each answer looks at all of them"
    )


class Picture:
    """Takes the vectors from the index; the network that made them is needed neither here nor for answers."""

    name = "picture"
    settings = PicturedSettings
    trained = of_contents = True

    def fit(self, past: Past, settings: PicturedSettings, before: Artefact | None) -> Artefact | None:
        pictured = past.pictured()
        if pictured is None or not pictured.items:
            past.leave_out(self.name, "no pictures are indexed; run `millrace pictures index FOLDER`")
            return None
        catalogue = sorted(past.records())
        seen = set(pictured.items)
        without = [name for name in catalogue if name not in seen]
        report_silent(past, without, len(catalogue), "picture", "picture")
        items = first_by_name(past, pictured.items, settings.most_items, "picture")
        past.say(f"trained picture: vectors of {len(items):,} items")
        facts = {"width": pictured.vectors.shape[1], "without_picture": len(without)}
        return Artefact(facts, items, {VECTORS: pictured.vectors[: len(items)]})

    def open(self, artefact: Artefact | None, settings: PicturedSettings) -> DenseScorer:
        if artefact is None:
            return DenseScorer([], np.zeros((0, 1), np.float32), settings.step_back)
        return DenseScorer(artefact.items, artefact.arrays[VECTORS], settings.step_back)


RECOMMENDER = Picture()
