"""EASE: the linear model that predicts each item from all others, in closed form (Steck 2019, eq. 8).

B = I − P · diagMat(1 ⊘ diag(P)) with P = (XᵀX + λI)⁻¹ and X the pairs that stand, 1 each; the diagonal is 0. Of each
item's column the greatest absolute weights are kept.

Memory of a fit: 60 bytes per standing pair and 12 · items² at most: 0.2 GB at 4,000 items. Work grows with items³:
2 s at 4,000 items on one core, 13 s at 9,000. So only the ``most_items`` rated most take part, with a sentence.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.item_weights import ItemWeightsScorer, artefact_of, in_blocks, opened
from recommenders.pairs import matrix_of
from recommenders.port import Past
from recommenders.trained import PairsSettings, small_enough
from schemas.errors import MillraceError


@dataclass(frozen=True)
class EaseSettings(PairsSettings):
    """``regularization`` λ. ``most_items``: rated most, that take part. ``neighbours`` kept of each item."""

    regularization: float = setting(
        300.0,
        "λ of the fit",
        at_least=0.01,
        why="100 to 1,000 differ by less than .003 of NDCG@10 on deskdrop and rees46",
    )
    most_items: int = setting(
        4_000,
        "items that take part, those rated most",
        at_least=1,
        why="work grows with its cube; all 9,066 of ml-latest-small gain .0002 of NDCG@10 in six times the time",
    )
    neighbours: int = setting(
        200, "weights kept of each item", at_least=1, why="all gain at most .004 of NDCG@10 on four public sets"
    )


class Ease:
    """Weights are as old as the generation; what stands of the user is merged at each answer."""

    name = "ease"
    settings = EaseSettings
    trained = True

    def fit(self, past: Past, settings: EaseSettings, before: Artefact | None) -> Artefact | None:
        size = past.size()
        fitted = min(size.items, settings.most_items)
        standing = small_enough(past, self.name, settings.memory, 12 * fitted**2 / max(1, size.items))
        if standing is None:
            return None
        touched, items = matrix_of(standing, settings.per_user, past.seed), len(standing.items)
        if items > fitted:
            past.say(f"EASE: the {fitted:,} items rated most take part, of {items:,}")
            most_rated = np.sort(np.argsort(-touched.getnnz(axis=0), kind="stable")[:fitted])
            standing = replace(standing, items=[standing.items[code] for code in most_rated.tolist()])
            touched, items = touched[:, most_rated], fitted
        past.say(f"EASE: inverting {items:,} × {items:,} numbers")
        inverse = inverted((touched.T @ touched).toarray().astype(np.float32), settings.regularization)
        scale = -1 / np.diag(inverse)

        def weights(targets: slice) -> Any:
            return inverse[targets] * scale[targets][:, None]  # P is symmetric: row t, divided by P_tt, is B's column

        kept = in_blocks(past, "EASE", items, settings.neighbours, weights)
        return artefact_of(past, self.name, settings, standing, kept)

    def open(self, artefact: Artefact | None, settings: EaseSettings) -> ItemWeightsScorer:
        return opened(artefact)


def inverted(gram: Any, regularization: float) -> Any:
    """Return (gram + λI)⁻¹ by Cholesky's factors in 32-bit floats; ``gram``, symmetric, is overwritten."""
    from scipy.linalg import cholesky
    from scipy.linalg.lapack import spotri

    gram[np.diag_indices(len(gram))] += np.float32(regularization)
    factor = cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
    inverse, failed = spotri(factor, lower=1, overwrite_c=1)
    if failed or not np.isfinite(np.diag(inverse)).all():
        raise MillraceError("EASE cannot be computed: raise regularization of [recommenders.ease]")
    lower = np.tril(inverse, -1)
    inverse = np.tril(inverse)
    inverse += lower.T
    return inverse


RECOMMENDER = Ease()
