"""ALS: the rows that hold a model, and inputs too small to learn from."""

import json

import numpy as np
import pyarrow as pa
import pytest

from batch_layer.train import AlsSettings, model_rows, train
from core.codec import unpack_sums

ALS = AlsSettings(factors=4, iterations=5, regularization=0.1, alpha=10.0)


def ratings(rows: list[tuple[str, str, int]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [[], [], []]
    types = [pa.string(), pa.string(), pa.int64()]
    return pa.table([pa.array(c, t) for c, t in zip(columns, types, strict=True)], ["user_id", "item_id", "rating"])


def test_rows_ascend_by_the_items_bytes_and_carry_the_gram_matrix() -> None:
    rng = np.random.default_rng(1)
    given = [(f"u{u}", item, 1000) for u in range(30) for item in ("é", "z", "B", "a/b", "ї") if rng.random() < 0.6]
    model = train(ratings(given), ALS)
    assert model is not None
    rows = dict(model_rows(model))
    assert list(unpack_sums(rows[b"names/000000"]).items()) == [
        (b"B", 0), (b"a/b", 1), (b"z", 2), ("é".encode(), 3), ("ї".encode(), 4)
    ]  # fmt: skip
    y = np.frombuffer(rows[b"factors/000000"], np.float32).reshape(5, 4)
    gram = np.frombuffer(rows[b"gram"], np.float32).reshape(4, 4)
    np.testing.assert_allclose(gram, y.T @ y, rtol=1e-4)
    meta = {"factors": 4, "items": 5, "items_a_row": 65_536, "alpha": 10.0, "regularization": 0.1}
    assert json.loads(rows[b"meta"]) == meta


def test_the_same_ratings_give_the_same_factors_whatever_their_order() -> None:
    given = [(f"u{u}", f"i{(u * 7 + k) % 9}", 1000 * (k + 1)) for u in range(20) for k in range(4)]
    forward, backward = train(ratings(given), ALS), train(ratings(given[::-1]), ALS)
    assert forward is not None
    assert backward is not None
    assert forward.items == backward.items
    np.testing.assert_allclose(forward.factors, backward.factors, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "given",
    [[("u", "i", 1000)], [("u", f"i{k}", 1000) for k in range(5)], [(f"u{k}", "i", 1000) for k in range(5)]],
    ids=["one pair", "one user", "one item"],
)
def test_too_little_to_learn_from_still_makes_a_finite_model(given: list[tuple[str, str, int]]) -> None:
    model = train(ratings(given), ALS)
    assert model is not None
    assert np.isfinite(model.factors).all()


def test_nothing_to_learn_from_makes_no_model() -> None:
    assert train(ratings([]), ALS) is None
