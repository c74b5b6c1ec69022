"""The ALS model of one generation as it is read and used; never two generations in one answer."""

import json
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from adapters.books import generation_book
from adapters.stores.batches import slices
from adapters.stores.port import Book, ViewStore
from core.blend import Knots
from core.codec import History, unpack_columns
from core.fold_in import Floats, FoldIn, Ints, Matrix, fold_in
from schemas.event import WEIGHT_SCALE
from serving_layer.patience import reading, seconds_left
from serving_layer.snapshot import Snapshot
from serving_layer.views import BATCH

SPACE = "model"
META, GRAM, CALIBRATION = b"meta", b"gram", b"calibration"
MODEL = "model"  # what an answer lacks while it is loaded
ITEMS_A_ROW = 50_000  # of models that do not say
SHARE_OF_PATIENCE = 0.75  # what an answer may wait for a model: the rest is for what else it reads there
ROWS_AT_ONCE = 8  # of a mebibyte, in one request's time
GROUPS_A_PLACE = 8  # more groups cut closer, fewer are faster to compare; flat from 4 to 32
ROUNDING = 2.0**-23  # twice what one operation on 32-bit floats may be off by, relatively


@dataclass(frozen=True)
class Model:
    """Item factors Y, shape (items, factors), rows ascending by the items' UTF-8 names; gram is YtY.

    Y lies in memory column by column: so the product with one user's factors takes half the time.
    """

    items: list[bytes]
    rows: dict[bytes, int]  # position in Y of each item
    factors: Matrix
    gram: Matrix
    alpha: float
    regularization: float
    weighted: bool = False  # the regularization counts once for each of the user's items, as in Spark's fit
    calibration: Knots = ()

    def fold_in(self, history: History) -> tuple[list[bytes], FoldIn] | None:
        """The user's factors from the merged history: confidence 1 + alpha · rating; None when no item is known.

        Returns: the history's known items, as the columns of ``FoldIn.explained``, and the solution.
        """
        known = [entry for entry in history.entries if entry.item in self.rows]
        if not known:
            return None
        at = np.array([self.rows[entry.item] for entry in known], dtype=np.int64)
        confidence = np.array([1.0 + self.alpha * entry.rating / WEIGHT_SCALE for entry in known])
        strength = self.regularization * (len(known) if self.weighted else 1)
        return [entry.item for entry in known], fold_in(self.factors, self.gram, at, confidence, strength)

    def best(self, vector: Floats, wanted: int) -> tuple[Ints, Floats]:
        """Rows and scores of the items of the greatest x · Y, exactly: by score descending, then by the item's name.

        Each item is scored with 32-bit floats; those that may be among the best in spite of what such a score can be
        off by are scored again with 64. Were the items dealt into groups, the ``wanted``-th greatest of the groups'
        maxima would be a bound that as many items reach; finding it needs no sorting of all scores.
        """
        rough = self.factors @ vector.astype(np.float32)
        rows = np.arange(len(rough))
        length = len(rough) // (GROUPS_A_PLACE * wanted)
        if length > 1:
            maxima = rough[: len(rough) // length * length].reshape(length, -1).max(axis=0)
            reached = np.partition(maxima, len(maxima) - wanted)[len(maxima) - wanted]
            rows = np.flatnonzero(rough >= reached - 2 * self._error(vector))
        scores = self.score(vector, rows)
        order = np.lexsort((rows, -scores))[:wanted]
        return rows[order], scores[order]

    def score(self, vector: Floats, rows: Ints) -> Floats:
        """The predicted preferences x · Y of those rows; equal factors give equal scores, wherever they stand."""
        scores: Floats = (self.factors[rows].astype(np.float64) * vector).sum(axis=1)
        return scores

    def _error(self, vector: Floats) -> float:
        """By how much a 32-bit score differs from the true one at most (Higham 2002, §3.1, and Cauchy-Schwarz)."""
        return float((len(vector) + 2) * ROUNDING * np.linalg.norm(vector) * self._longest)

    @cached_property
    def _longest(self) -> float:
        """The greatest length of an item's factors."""
        return float(np.sqrt(np.einsum("ij,ij->i", self.factors, self.factors).max(initial=0.0)))


@dataclass
class Loading:
    """The model of one generation on its way: it begins when first asked for, and again after a failure."""

    generation: str | None
    _model: "Future[Model | None] | None" = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begun(self, store: ViewStore) -> "Future[Model | None]":
        with self._lock:
            if self._model is None or (self._model.done() and self._model.exception()):
                self._model = Future()
                threading.Thread(target=self._load, args=(store, self._model), name="model", daemon=True).start()
            return self._model

    def loaded(self) -> Model | None:
        """The model if it is there."""
        model = self._model
        return model.result() if model is not None and model.done() and not model.exception() else None

    def _load(self, store: ViewStore, loading: "Future[Model | None]") -> None:
        assert self.generation is not None
        try:
            loading.set_result(_read(store, generation_book(self.generation)))
        except BaseException as error:  # noqa: BLE001 - it is the waiting threads'
            loading.set_exception(error)


def model_of(snapshot: Snapshot) -> Model | None:
    """The model of the snapshot's generation, kept in memory while answers use that generation; None: it has none.

    A large one takes longer to load than an answer may wait: it is loaded beside the answers, which lack it until then.
    """
    generation, views = snapshot.generation, snapshot.views
    if generation is None:
        return None
    loading = views.kept(Loading, generation).begun(views.batch)
    patience = SHARE_OF_PATIENCE * seconds_left(BATCH, views.patience_seconds)
    with reading(BATCH):
        try:
            return loading.result(patience)
        except TimeoutError:
            snapshot.lack(MODEL)
            return None


def calibration_of(snapshot: Snapshot) -> Knots:
    """How the generation's evaluation found scores and hits to go together; without loading a model for it."""
    if snapshot.generation is None:
        return ()
    if (model := snapshot.views.kept(Loading, snapshot.generation).loaded()) is not None:
        return model.calibration
    row = snapshot.of_generation(SPACE, [CALIBRATION]).get(CALIBRATION)
    return json.loads(row) if row else ()


def _read(store: ViewStore, book: Book) -> Model | None:
    head = store.read(book, SPACE, [META, GRAM, CALIBRATION])
    if META not in head or GRAM not in head:
        return None
    meta = json.loads(head[META])
    width = meta["factors"]
    chunks = range(-(-meta["items"] // meta.get("items_a_row", ITEMS_A_ROW)))
    keys = [f"{part}/{chunk:06d}".encode() for chunk in chunks for part in ("factors", "names")]
    rows = {key: row for some in slices(keys, ROWS_AT_ONCE) for key, row in store.read(book, SPACE, some).items()}
    if len(rows) < len(keys):
        return None
    factors = b"".join(rows[key] for key in keys[::2])
    items = [item for key in keys[1::2] for item in unpack_columns(rows[key])[0]]
    return Model(
        items,
        {item: row for row, item in enumerate(items)},
        np.asfortranarray(np.frombuffer(factors, np.float32).reshape(-1, width)),
        np.frombuffer(head[GRAM], np.float32).reshape(width, width),
        meta["alpha"],
        meta["regularization"],
        meta.get("weighted", False),
        json.loads(head.get(CALIBRATION, b"[]")),
    )
