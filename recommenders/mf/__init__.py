"""Matrix factorisation with biases for explicit ratings, by SGD (Koren, Bell, Volinsky 2009, eqs. 4 and 5).

r̂(u, i) = μ + b_u + b_i + q_i · p_u minimises the squared error over the ratings that stand, with λ on every parameter.
It predicts how well an item would be liked, not whether it would be chosen: it needs ratings that differ, and helps
where a value says more than that the item was touched. Ratings are taken as ln(1 + rating), brought to mean 0 and
deviation 1. The user is solved from all that stands at each answer.

Bytes: 4 · (factors + 1) per item, and 8 · (factors + 1) more when opened. A fit takes as many per user, too, and 60 per
rating.
"""

from dataclasses import asdict, dataclass

import numpy as np

from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.mf.fitting import fit
from recommenders.mf.scorer import BIASES, FACTORS, MfScorer
from recommenders.port import Past
from recommenders.trained import TrainedSettings, small_enough
from schemas.event import WEIGHT_SCALE


@dataclass(frozen=True)
class MfSettings(TrainedSettings):
    """``factors`` f; ``epochs`` over all ratings; ``rate`` γ of a step, ``regularization`` λ."""

    factors: int = setting(
        32, "size of the model: numbers per item and user", at_least=1, why="a common size; not tuned"
    )
    epochs: int = setting(30, "times that each rating is looked at", at_least=1, why="not tuned")
    rate: float = setting(0.01, "γ: length of a step", at_least=0.00001, at_most=1, why="a common choice")
    regularization: float = setting(0.1, "λ of every parameter", at_least=0.0001, why="not tuned")


class Mf:
    """Item factors and biases are as old as the generation."""

    name = "mf"
    settings = MfSettings
    trained = True

    def fit(self, past: Past, settings: MfSettings, before: Artefact | None) -> Artefact | None:
        size, numbers = past.size(), 4 * (settings.factors + 1)
        standing = small_enough(past, self.name, settings.memory, numbers * (1 + size.users / max(1, size.items)))
        if standing is None:
            return None
        if standing.rating.min() == standing.rating.max():
            past.leave_out(self.name, "all ratings are equal, so there is nothing to predict")
            return None
        rating = np.log1p(standing.rating / WEIGHT_SCALE)
        mean, spread = float(rating.mean()), float(rating.std())
        q, bias = fit(past, standing, (rating - mean) / spread, settings)
        facts = {"settings": asdict(settings), "mean": mean, "spread": spread}
        return Artefact(facts, standing.items, {FACTORS: q, BIASES: bias})

    def open(self, artefact: Artefact | None, settings: MfSettings) -> MfScorer:
        if artefact is None:
            return MfScorer([], np.zeros((0, 1), np.float32), np.zeros(0, np.float32), 0.0, 1.0, 1.0)
        facts, arrays = artefact.facts, artefact.arrays
        strength = facts["settings"]["regularization"]
        return MfScorer(artefact.items, arrays[FACTORS], arrays[BIASES], facts["mean"], facts["spread"], strength)


RECOMMENDER = Mf()
