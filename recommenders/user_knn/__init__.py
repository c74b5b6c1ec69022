"""User neighbours: what the users like who touched the same items (Herlocker et al. 1999).

sim(u, v) = n_uv / sqrt(n_u · n_v) · n_uv / (n_uv + shrink), where n counts items that stand. An item's score is the sum
of the similarities of the ``neighbours`` most similar users who touched it. The users of the past carry no names.

Bytes: 4 per standing pair and 8 per user kept, twice that when opened. A fit takes 60 per standing pair.
"""

from dataclasses import asdict, dataclass

import numpy as np

from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.pairs import matrix_of
from recommenders.port import Past
from recommenders.trained import PairsSettings, small_enough
from recommenders.user_knn.scorer import ITEMS, STARTS, UserKnnScorer


@dataclass(frozen=True)
class UserKnnSettings(PairsSettings):
    """``neighbours`` asked for an answer. ``shrink``: shared items that halve a similarity.

    ``users`` kept, drawn beyond that.
    """

    neighbours: int = setting(200, "most similar users asked", at_least=1, why="a common size; not tuned")
    shrink: float = setting(
        5.0,
        "shared items that halve a similarity",
        at_least=0,
        why="one shared item says little",
    )
    users: int = setting(
        50_000, "users kept; beyond it they are drawn", at_least=1, why="an answer takes longer with each of them"
    )


class UserKnn:
    """The neighbours' items are as old as the generation; what stands of the user is merged at each answer."""

    name = "user_knn"
    settings = UserKnnSettings
    trained = True

    def fit(self, past: Past, settings: UserKnnSettings, before: Artefact | None) -> Artefact | None:
        standing = small_enough(past, self.name, settings.memory, 8)
        if standing is None:
            return None
        touched = matrix_of(standing, settings.per_user, past.seed)
        everybody = touched.shape[0]
        if everybody > settings.users:
            kept = np.random.default_rng(past.seed).choice(everybody, settings.users, replace=False)
            touched = touched[np.sort(kept)]
        touched.sort_indices()
        past.say(f"trained user_knn: {touched.nnz:,} ratings of {touched.shape[0]:,} of {everybody:,} users")
        arrays = {STARTS: touched.indptr.astype(np.int64), ITEMS: touched.indices.astype(np.int32)}
        return Artefact({"settings": asdict(settings), "users": touched.shape[0]}, standing.items, arrays)

    def open(self, artefact: Artefact | None, settings: UserKnnSettings) -> UserKnnScorer:
        if artefact is None:
            nobody, nothing = np.zeros(1, np.int64), np.zeros(0, np.int32)
            return UserKnnScorer([], nobody, nothing, settings.neighbours, settings.shrink)
        starts, items = artefact.arrays[STARTS], artefact.arrays[ITEMS]
        return UserKnnScorer(artefact.items, starts, items, settings.neighbours, settings.shrink)


RECOMMENDER = UserKnn()
