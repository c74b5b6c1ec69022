"""The recommenders that the settings ask for, and their blend for many users: the dense twin of ``ranking.blend``."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.quality import ranking_quality
from core.quality.ranking_quality import Judged, seen_of
from recommenders import TABLE, recommender
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort, scored
from recommenders.port import Floats, Ints, Past, Scorer


@dataclass(frozen=True)
class Opened:
    """One recommender: its scorer, and its share of the blend."""

    scorer: Scorer
    weight: float


def asked_for(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of the recommenders with a weight, in the order of the table."""
    return [name for name in TABLE if settings[name].weight > 0]


def model_of(name: str) -> str:
    """Return the recommender whose artefact that one answers by: its own, unless it names another as its ``model``."""
    model: str = getattr(recommender(name), "model", name)
    return model


def learners(settings: Mapping[str, Any], also: Collection[str] = ()) -> list[str]:
    """Return the recommenders that learn so that those of ``asked_for``, and ``also`` these, can answer."""
    models = {model_of(name) for name in (*asked_for(settings), *also)}
    return [name for name in TABLE if name in models and recommender(name).trained]


def of_catalogue() -> list[str]:
    """Return the recommenders that learn from the catalogue alone, whatever their weight."""
    return [name for name in TABLE if getattr(recommender(name), "of_catalogue", False)]


def of_contents() -> list[str]:
    """Return the recommenders that learn what items are, by their records or their pictures."""
    return [name for name in TABLE if getattr(recommender(name), "of_contents", False)]


def open_all(
    artefacts: Mapping[str, Artefact | None], settings: Mapping[str, Any], also: Collection[str] = ()
) -> dict[str, Opened]:
    """Open each recommender that has a weight, and those that only an experiment asks.

    One without an artefact has no candidates where it needs one.
    """
    asked = asked_for(settings)
    return {
        name: Opened(recommender(name).open(artefacts.get(model_of(name)), settings[name]), settings[name].weight)
        for name in TABLE
        if name in asked or name in also
    }


def fit_all(past: Past, settings: Mapping[str, Any]) -> dict[str, Artefact | None]:
    """Fit each recommender that has a weight and learns, from scratch."""
    return {name: recommender(name).fit(past, settings[name], None) for name in learners(settings)}


def blended(opened: Mapping[str, Opened], cohort: Cohort, asked: Judged) -> ranking_quality.Scorer:
    """Return the blend: each source clipped at 0, divided by its best allowed item, added by weight."""

    def score(users: Ints) -> Floats:
        row, item = seen_of(asked, users)
        total, present = np.zeros((len(users), len(asked.candidates))), np.zeros((len(users), 1))
        for source in opened.values():
            allowed = np.maximum(scored(source.scorer, cohort, users), 0.0)
            allowed[row, item] = 0.0
            top = allowed.max(axis=1, keepdims=True)
            total += source.weight * np.divide(allowed, top, out=np.zeros_like(allowed), where=top > 0)
            present += source.weight * (top > 0)
        return total / np.where(present > 0, present, 1.0)

    return score
