"""A model's rows, and the items that score best against sorting every exact score."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.records.books import generation_book
from adapters.stores import Book, ViewStore, open_store
from core.ranking.kernels import compiled
from recommenders.als.fold_in import Floats, Matrix
from recommenders.als.model import artefact
from recommenders.als.scorer import AlsScorer
from recommenders.port import Ints
from schemas.errors import StoreUnavailable
from serving_layer.merged.models import SHARE_OF_PATIENCE, recommenders_of
from serving_layer.reading.patience import Lost, Patience
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import BATCH, Views

FACTORS = 50


FACTS = {"alpha": 10.0, "regularization": 0.1, "weighted": False}


def model(factors: Matrix) -> AlsScorer:
    items = [f"item-{row:06d}".encode() for row in range(len(factors))]
    return AlsScorer(items, np.asfortranarray(factors), factors.T @ factors, 1.0, 0.1)


def model_of(snapshot: Snapshot) -> AlsScorer | None:
    """The snapshot's ALS model, None where it has none yet."""
    scorer = recommenders_of(snapshot)["als"].scorer
    assert isinstance(scorer, AlsScorer)
    return scorer if scorer.items else None


def plainly(factors: Matrix, vector: Floats, wanted: int) -> list[int]:
    """Rows by the exact score descending, then by the item's name."""
    scores = (factors.astype(np.float64) * vector).sum(axis=1)
    return sorted(range(len(factors)), key=lambda row: (-scores[row], row))[:wanted]


def best(factors: Matrix, vector: Floats, wanted: int) -> tuple[Ints, Floats]:
    """The model's best, by score descending, then by row; both twins agree on them."""
    rows, scores = model(factors).best(vector, wanted)
    of_twin = model(factors).best(vector, wanted, compiled())
    assert (of_twin[0].tolist(), of_twin[1].tobytes()) == (rows.tolist(), scores.tobytes())
    order = np.lexsort((rows, -scores))
    return rows[order], scores[order]


@pytest.mark.parametrize(
    ("items", "wanted"), [(0, 5), (1, 5), (5, 5), (40, 39), (1_000, 10), (20_011, 7), (20_000, 2_000)]
)
def test_the_best_are_those_of_the_greatest_exact_scores(items: int, wanted: int) -> None:
    rng = np.random.default_rng(items)
    factors, vector = rng.normal(size=(items, FACTORS)).astype(np.float32), rng.normal(size=FACTORS)
    rows, scores = best(factors, vector, wanted)
    assert rows.tolist() == plainly(factors, vector, wanted)
    assert scores.tolist() == (factors.astype(np.float64) * vector).sum(axis=1)[rows].tolist()


def test_ids_that_32_bits_confuse_are_distinguished() -> None:
    rng = np.random.default_rng(5)
    one = rng.normal(size=FACTORS).astype(np.float32)
    factors = np.zeros((50_000, FACTORS), np.float32)
    close = rng.choice(50_000, 300, replace=False)
    factors[close] = one
    factors[close, rng.integers(0, FACTORS, 300)] *= np.float32(1 + 1e-7)
    vector = one.astype(np.float64)
    rows, _ = best(factors, vector, 10)
    assert rows.tolist() == plainly(factors, vector, 10)


def test_equal_scores_are_in_the_order_of_the_items_names() -> None:
    rng = np.random.default_rng(6)
    factors = rng.normal(size=(300, FACTORS)).astype(np.float32)[rng.integers(0, 300, 30_000)]
    vector = rng.normal(size=FACTORS)
    rows, _ = best(factors, vector, 150)
    assert rows.tolist() == plainly(factors, vector, 150)


def test_a_large_model_comes_back_from_rows_that_any_store_takes(tmp_path: Path) -> None:
    factors = np.random.default_rng(7).normal(size=(12_345, FACTORS)).astype(np.float32)
    items = [f"item-{row:06d}".encode() for row in range(len(factors))]
    rows = dict(artefact(items, factors, FACTS).rows())
    assert max(map(len, rows.values())) <= 1 << 20  # half of a commit log segment at its smallest is Cassandra's most
    store = open_store(f"sqlite:///{tmp_path / 'views.sqlite'}")
    store.put(generation_book("g"), {("als", key): value for key, value in rows.items()})
    loaded = model_of(Snapshot(Views(store, store), "g", None, None, None, (), ()))
    store.close()
    assert loaded is not None
    assert loaded.items == items
    assert np.array_equal(loaded.factors, factors)


class Slow:
    """A store that blocks readers of the model until the test releases them."""

    def __init__(self, store: ViewStore) -> None:
        self.store, self.ready, self.refusing = store, threading.Event(), False

    def read(self, book: Book, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        if space == "als":
            self.ready.wait(30)
            if self.refusing:
                raise StoreUnavailable("down")
        return self.store.read(book, space, keys)


def test_answers_continue_without_a_model_that_takes_long_to_load_and_have_it_then(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'views.sqlite'}")
    factors = np.ones((3, FACTORS), np.float32)
    rows = artefact([b"a", b"b", b"c"], factors, FACTS).rows()
    store.put(generation_book("g"), {("als", key): value for key, value in rows})
    slow: Any = Slow(store)
    views = Views(slow, store, patience_seconds=0.1)

    def asked() -> tuple[AlsScorer | None, list[str]]:
        snapshot = Snapshot(views, "g", {0: 0}, None, None, (), ("speed",))
        scorer = model_of(snapshot)
        return scorer, snapshot.header()["degraded"]

    assert asked() == (None, ["speed", "model"])
    views.patience_seconds, slow.refusing = 30.0, True
    slow.ready.set()
    with pytest.raises(Lost, match="down"):
        asked()
    slow.refusing = False
    scorer, degraded = asked()
    assert scorer is not None
    assert (scorer.items, degraded) == ([b"a", b"b", b"c"], ["speed"])
    assert asked()[0] is scorer
    store.close()


def test_what_an_answer_waits_for_a_model_is_taken_from_its_budget_and_leaves_some(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'views.sqlite'}")
    slow: Any = Slow(store)
    views, patience = Views(slow, store, patience_seconds=60.0), Patience(4.0)  # far more would be the first one's

    def asked() -> tuple[AlsScorer | None, list[str]]:
        snapshot = Snapshot(views, "g", {0: 0}, None, None, (), ("speed",))
        return model_of(snapshot), snapshot.header()["degraded"]

    assert patience.attempt(asked) == (None, ["speed", "model"])  # the facts were still read
    assert patience.spent[BATCH] >= SHARE_OF_PATIENCE * 4.0
    slow.ready.set()
    store.close()
