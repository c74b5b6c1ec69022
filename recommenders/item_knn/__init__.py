"""Item neighbours over whole histories: cosine of the users that two items share (Sarwar et al. 2001; Deshpande 2004).

sim(i, j) = n_ij / sqrt(n_i · n_j) · n_ij / (n_ij + shrink), where n counts distinct users. An item's score is the sum
of its similarities to all that stands of the user. ``similar`` does so with ratings over each user's last items, live.

Memory of a fit: 60 bytes per standing pair, 64 MiB for a block of items, 12 per kept neighbour.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.item_weights import NEIGHBOUR_BYTES, ItemWeightsScorer, artefact_of, in_blocks, opened
from recommenders.pairs import matrix_of
from recommenders.port import Past
from recommenders.trained import PairsSettings, small_enough


@dataclass(frozen=True)
class ItemKnnSettings(PairsSettings):
    """``shrink``: shared users that halve a similarity. ``neighbours`` kept of each item."""

    neighbours: int = setting(
        200, "kept of each item", at_least=1, why="better than 50 on deskdrop and ml, worse on retail"
    )
    shrink: float = setting(
        10.0,
        "shared users that halve a similarity",
        at_least=0,
        why="far better than 0 on completejourney and rees46, slightly worse on two others",
    )


class ItemKnn:
    """Similarities are as old as the generation; what stands of the user is merged at each answer."""

    name = "item_knn"
    settings = ItemKnnSettings
    trained = True

    def fit(self, past: Past, settings: ItemKnnSettings, before: Artefact | None) -> Artefact | None:
        standing = small_enough(past, self.name, settings.memory, NEIGHBOUR_BYTES * settings.neighbours)
        if standing is None:
            return None
        touched = matrix_of(standing, settings.per_user, past.seed)
        of_items, users = touched.T.tocsr(), np.maximum(np.asarray(touched.sum(axis=0)).ravel(), 1.0)

        def similar(targets: slice) -> Any:
            both = (of_items[targets] @ touched).tocoo()
            norm = np.sqrt(users[targets][both.row] * users[both.col])
            both.data = (both.data / norm * (both.data / (both.data + settings.shrink))).astype(np.float32)
            return both

        items = len(standing.items)
        kept = in_blocks(past, "item neighbours", items, settings.neighbours, similar)
        return artefact_of(past, self.name, settings, standing, kept)

    def open(self, artefact: Artefact | None, settings: ItemKnnSettings) -> ItemWeightsScorer:
        return opened(artefact)


RECOMMENDER = ItemKnn()
