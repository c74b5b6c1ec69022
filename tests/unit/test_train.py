"""ALS: the rows that hold a model, and inputs too small to learn from."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from adapters.books import generation_book
from adapters.stores import open_store
from batch_layer.train import (
    MODEL,
    AlsSettings,
    Engine,
    Model,
    Size,
    engine_for,
    model_rows,
    reused,
    stored_model,
    train,
    warm_start,
)
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
    settings = {"factors": 4, "iterations": 5, "regularization": 0.1, "alpha": 10.0, "seed": 42}
    meta |= {"weighted": False, "engine": "implicit", "settings": settings, "asked": None}
    assert json.loads(rows[b"meta"]) == meta


def test_a_stored_model_comes_back_whole_and_one_of_another_form_does_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    items = [f"i{k:06d}".encode() for k in range(9_000)]
    given = Model(items, rng.normal(size=(9_000, 60)).astype(np.float32), ALS, "spark", per_rating=0.5, asked=ALS)
    views, book = open_store(f"sqlite:///{tmp_path / 'b'}"), generation_book("g")
    assert stored_model(views, None) is None
    assert stored_model(views, "g") is None
    views.put(book, {(MODEL, key): value for key, value in model_rows(given)})
    assert len(list(model_rows(given))) > 4  # several chunks
    found = stored_model(views, "g")
    assert found is not None
    assert replace(found, factors=given.factors) == given
    assert (found.factors == given.factors).all()
    views.delete(book, MODEL, [b"factors/000001"])
    assert stored_model(views, "g") is None
    views.put(book, {(MODEL, b"meta"): b'{"factors": 4, "items": 5}'})
    assert stored_model(views, "g") is None
    views.close()


def test_a_warm_start_takes_known_items_factors_by_name_and_small_random_ones_for_new_items() -> None:
    before = Model([b"a", b"c", b"d"], np.arange(12, dtype=np.float32).reshape(3, 4), ALS)
    start = warm_start(pa.array([b"a", b"b", b"d"]), before, 4, seed=1)
    assert start is not None
    assert start[[0, 2]].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert 0 < start[1].min() <= start[1].max() <= 0.01
    assert warm_start(pa.array([b"a"]), before, 3, seed=1) is None  # another width
    assert warm_start(pa.array([b"x"]), before, 4, seed=1) is None  # nothing in common
    assert warm_start(pa.array([b"a"]), None, 4, seed=1) is None


def test_found_settings_are_used_until_the_configured_ones_change() -> None:
    found = AlsSettings(factors=4, iterations=9, regularization=7.0, alpha=3.0)
    before = Model([b"a"], np.ones((1, 4), np.float32), found, asked=ALS)
    assert reused(ALS, before) == (replace(found, iterations=ALS.iterations), ALS)
    changed = replace(ALS, alpha=11.0)
    assert reused(changed, before) == (changed, None)
    assert reused(ALS, None) == (ALS, None)
    assert reused(ALS, replace(before, asked=None)) == (ALS, None)


@pytest.mark.parametrize(
    ("name", "memory", "chosen"),
    [
        ("auto", 4 << 30, "implicit"),
        ("auto", 1 << 30, "spark"),
        ("implicit", 0, "implicit"),
        ("spark", 1 << 40, "spark"),
    ],
)
def test_the_engine_is_chosen_by_its_need_unless_it_is_named(name: str, memory: int, chosen: str) -> None:
    assert engine_for(Engine(name, memory), Size(20_000_000, 500_000, 100_000), factors=50) == chosen


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
