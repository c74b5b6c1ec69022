"""A recommender as somebody would add one: this folder, and one line in ``recommenders.TABLE``.

It recommends what the most users have touched, ever: it learns, keeps an artefact, and answers one user at a time.
"""

from dataclasses import dataclass

import numpy as np

from core.ranking.columns import NOBODY, Columns
from recommenders.artefact import Artefact
from recommenders.port import Candidates, Past, Question


@dataclass(frozen=True)
class ToySettings:
    """``weight``: the source's share of a blend. ``least``: users below which an item is no candidate."""

    weight: float = 0.5
    least: int = 1


@dataclass(frozen=True)
class ToyScorer:
    """Scores an item by its users."""

    users: dict[bytes, float]

    def candidates(self, question: Question, most: int) -> Candidates:
        index = question.sums.index
        best = sorted(self.users, key=lambda item: (-self.users[item], item))[:most]
        scores = {index.code(item): self.users[item] for item in best}
        also = index.names[question.also] if question.also != NOBODY else b""
        if also in self.users:
            scores[question.also] = self.users[also]
        return Candidates(Columns.of(scores))


class Toy:
    """Counts users."""

    name = "toy"
    settings = ToySettings
    trained = True

    def fit(self, past: Past, settings: ToySettings, before: Artefact | None) -> Artefact | None:
        standing = past.standing()
        if not len(standing.user):
            return None
        past.say(f"counted the users of {len(standing.items):,} items")
        return Artefact({}, standing.items, {"users": np.bincount(standing.item, minlength=len(standing.items))})

    def open(self, artefact: Artefact | None, settings: ToySettings) -> ToyScorer:
        if artefact is None:
            return ToyScorer({})
        users = zip(artefact.items, artefact.arrays["users"].tolist(), strict=True)
        return ToyScorer({item: float(count) for item, count in users if count >= settings.least})


RECOMMENDER = Toy()
