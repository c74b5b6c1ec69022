"""The weights that a model of items keeps: the greatest of each item, from dense and from sparse blocks alike."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from batch_layer.learning.asking import InteractionsPast
from core.quality.ranking_quality import Interactions
from recommenders.item_weights import in_blocks

NOTHING = np.zeros(0, np.int64)
PAST = InteractionsPast(Interactions(NOTHING, NOTHING, NOTHING, NOTHING, 0, 0), [])


@pytest.mark.parametrize("neighbours", [1, 3, 100])
def test_a_dense_block_is_cut_as_a_sparse_one(neighbours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommenders.item_weights.DENSE_NUMBERS", 20 * 7)  # blocks of seven targets
    weights = np.random.default_rng(1).integers(-3, 4, (20, 20)).astype(np.float32)  # many zeros and equal ones
    weights[4] = 0
    dense = in_blocks(PAST, "dense", 20, neighbours, lambda part: weights[part])
    sparse = in_blocks(PAST, "sparse", 20, neighbours, lambda part: csr_matrix(weights[part]))
    assert (dense != sparse).nnz == 0
    assert dense.diagonal().tolist() == [0] * 20
    assert np.diff(dense.indptr).max() <= neighbours
