"""RP3beta: walks of three steps from the user over items and users back to items (Paudel et al. 2017, §3.2).

w(i, j) = Σ_u p(u | i)^α · p(j | u)^α / n_j^β: transition probabilities by the ratings, sharpened by α; popular items
are held back by β. An item's score is the sum over all that stands of the user.

Memory of a fit: 60 bytes per standing pair, 64 MiB for a block of items, 12 per kept neighbour.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.item_weights import NEIGHBOUR_BYTES, ItemWeightsScorer, artefact_of, in_blocks, opened
from recommenders.pairs import matrix_of
from recommenders.port import Floats, Past
from recommenders.trained import PairsSettings, small_enough


@dataclass(frozen=True)
class Rp3BetaSettings(PairsSettings):
    """``alpha``: sharpness of a step's probabilities. ``beta``: how far popular items are held back, 0 to 1.

    ``neighbours`` kept of each item.
    """

    neighbours: int = setting(200, "kept of each item", at_least=1, why="bounds the artefact; not tuned")
    alpha: float = setting(
        0.6,
        "sharpness of a step's probabilities",
        at_least=0.01,
        why="better than 1 on deskdrop and ml-latest-small, mixed on two others",
    )
    beta: float = setting(
        0.3,
        "how far popular items are held back",
        at_least=0,
        why="the best of four public sets are 0.2 to 0.6",
    )


class Rp3Beta:
    """Walks are as old as the generation; what stands of the user is merged at each answer."""

    name = "rp3beta"
    settings = Rp3BetaSettings
    trained = True

    def fit(self, past: Past, settings: Rp3BetaSettings, before: Artefact | None) -> Artefact | None:
        standing = small_enough(past, self.name, settings.memory, NEIGHBOUR_BYTES * settings.neighbours)
        if standing is None:
            return None
        rated = matrix_of(standing, settings.per_user, past.seed, rated=True)
        of_items = rated.T.tocsr()
        held_back = (np.maximum(np.diff(of_items.indptr), 1) ** -settings.beta).astype(np.float32)
        from_item = _stepped(of_items, settings.alpha).T.tocsr()  # shape (users, items): p(u | i)
        to_item = _stepped(rated, settings.alpha).T.tocsr()  # shape (items, users): p(j | u)

        def walks(targets: slice) -> Any:
            return (to_item[targets] @ from_item).multiply(held_back[targets][:, None])

        items = len(standing.items)
        kept = in_blocks(past, "walks between items", items, settings.neighbours, walks)
        return artefact_of(past, self.name, settings, standing, kept)

    def open(self, artefact: Artefact | None, settings: Rp3BetaSettings) -> ItemWeightsScorer:
        return opened(artefact)


def _stepped(rated: Any, alpha: float) -> Any:
    """Return each row's shares to the power of alpha."""
    total: Floats = np.maximum(np.asarray(rated.sum(axis=1)).ravel(), np.finfo(np.float32).tiny)
    steps = rated.copy()
    steps.data = ((rated.data / np.repeat(total, np.diff(rated.indptr))) ** alpha).astype(np.float32)
    return steps


RECOMMENDER = Rp3Beta()
