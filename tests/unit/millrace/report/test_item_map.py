"""The map of items: what is liked together lies together, and the same factors give the same map."""

import numpy as np
import pytest

from millrace.report.item_map import principal

RANDOM = np.random.default_rng(7)
CENTRES = RANDOM.normal(size=(3, 12))
FACTORS = np.concatenate([centre + RANDOM.normal(scale=0.1, size=(30, 12)) for centre in CENTRES]).astype(np.float32)


def test_items_of_one_taste_lie_closer_to_one_another_than_to_others() -> None:
    placed, shown = principal(FACTORS, range(90))
    middles = placed.reshape(3, 30, 2).mean(axis=1)
    own = np.abs(placed.reshape(3, 30, 2) - middles[:, None]).max()
    others = min(np.abs(a - b).max() for k, a in enumerate(middles) for b in middles[:k])
    assert own < others / 2
    assert 0.9 < shown <= 1
    assert placed.max(axis=0) == pytest.approx([1, 1])
    assert placed.min(axis=0) == pytest.approx([-1, -1])


def test_popularity_alone_moves_no_item() -> None:
    longer = FACTORS * RANDOM.uniform(1, 9, size=(90, 1)).astype(np.float32)
    assert np.allclose(principal(longer, range(90))[0], principal(FACTORS, range(90))[0], atol=1e-5)


def test_only_the_asked_rows_are_placed_in_their_order() -> None:
    whole, _ = principal(FACTORS, range(90))
    some_rows, _ = principal(FACTORS, [40, 3])
    assert some_rows.shape == (2, 2)
    assert np.array_equal(np.sign(some_rows[0] - some_rows[1]), np.sign(whole[40] - whole[3]))


@pytest.mark.parametrize("factors", [np.zeros((5, 4)), np.ones((5, 1)), np.ones((5, 6))])
def test_factors_that_do_not_differ_have_a_map_without_variance(factors: np.ndarray) -> None:
    placed, shown = principal(factors.astype(np.float32), range(5))
    assert np.isfinite(placed).all()
    assert placed.shape == (5, 2)
    assert 0 <= shown <= 1
