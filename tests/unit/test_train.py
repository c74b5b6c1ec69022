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
    warm_start,
)
from core.codec import unpack_sums

ALS = AlsSettings(factors=4, iterations=5, regularization=0.1, alpha=10.0)


def test_rows_hold_names_factors_and_the_gram_matrix() -> None:
    rng = np.random.default_rng(1)
    names = sorted(name.encode() for name in ("é", "z", "B", "a/b", "ї"))
    rows = dict(model_rows(Model(names, rng.normal(size=(5, 4)).astype(np.float32), ALS)))
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
