"""Item neighbours over whole histories: cosine of the users that two items share (Sarwar et al. 2001; Deshpande 2004).

sim(i, j) = n_ij / sqrt(n_i · n_j) · n_ij / (n_ij + shrink), where n counts distinct users. An item's score is the sum
of its similarities to all that stands of the user. ``similar`` does so with ratings over each user's last items, live.

Memory of a fit: 60 bytes per standing pair, 64 MiB for a block of items, 12 per kept neighbour.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.item_weights import NEIGHBOUR_BYTES, ItemWeightsScorer, artefact_of, in_blocks, opened
from recommenders.pairs import RATING_BYTES, matrix_of, small_enough
from recommenders.port import Past


@dataclass(frozen=True)
class ItemKnnSettings:
    """``shrink``: shared users that halve a similarity. ``neighbours`` kept of each item.

    ``per_user``: items of one user that count. ``memory``: bytes of a fit.
    ``weight``: the source's share of a blend.
    """

    neighbours: int = setting(
        200, "kept of each item", at_least=1, why="better than 50 on deskdrop and ml, worse on retail"
    )
    shrink: float = setting(
        10.0,
        "shared users that halve a similarity",
        at_least=0,
        why="far better than 0 on completejourney and rees46, slightly worse on two others",
    )
    per_user: int = setting(
        2_000, "items of one user that count; beyond it they are drawn", at_least=1, why="work grows with their square"
    )
    memory: int = setting(4 << 30, "what a fit may take; a larger log is left out", unit="memory", why="as ALS may")
    weight: float = setting(
        0.0, "the source's share of a blend; 0 turns it off", at_least=0, why="off until it is shown to help"
    )


class ItemKnn:
    """Similarities are as old as the generation; what stands of the user is merged at each answer."""

    name = "item_knn"
    settings = ItemKnnSettings
    trained = True

    def fit(self, past: Past, settings: ItemKnnSettings, before: Artefact | None) -> Artefact | None:
        standing = small_enough(past, self.name, settings.memory, RATING_BYTES, NEIGHBOUR_BYTES * settings.neighbours)
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
        past.say(f"trained item_knn: {kept.nnz:,} neighbours of {items:,} items from {touched.nnz:,} ratings")
        return artefact_of(standing.items, kept, {"settings": asdict(settings)})

    def open(self, artefact: Artefact | None, settings: ItemKnnSettings) -> ItemWeightsScorer:
        return opened(artefact)


RECOMMENDER = ItemKnn()
