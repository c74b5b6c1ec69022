"""The shares of a blend by source, also of items that no source names."""

import numpy as np

from core.ranking.blend import Blend
from core.ranking.columns import NOBODY, Columns

NONE = np.zeros(0, np.int64)


def test_each_item_has_its_shares_by_source_and_one_that_no_source_names_has_none() -> None:
    sources = {
        "near": Columns(np.array([3, 1]), np.array([1.0, 2.0])),
        "far": Columns(np.array([1, 7]), np.array([1.0, 2.0])),
    }
    blend = Blend(sources, {"near": 0.5, "far": 0.5}, NONE)
    assert blend.parts([7, 1, 99]) == [{"far": 0.5}, {"near": 0.5, "far": 0.25}, {}]
    assert blend.parts([NOBODY]) == [{}]
    assert blend.parts([]) == []
    assert Blend({}, {}, NONE).parts([5, NOBODY]) == [{}, {}]
