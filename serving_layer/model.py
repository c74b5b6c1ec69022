"""The ALS model of one generation as it is read and used; never two generations in one answer."""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.codec import History, unpack_columns
from core.fold_in import FoldIn, Matrix, fold_in
from schemas.event import WEIGHT_SCALE
from serving_layer.snapshot import Snapshot

SPACE = "model"
META, GRAM = b"meta", b"gram"
CHUNK_ITEMS = 50_000


@dataclass(frozen=True)
class Model:
    """Item factors Y, shape (items, factors), rows ascending by the items' UTF-8 names; gram is YtY."""

    items: list[bytes]
    rows: dict[bytes, int]  # position in Y of each item
    factors: Matrix
    gram: Matrix
    alpha: float
    regularization: float

    def fold_in(self, history: History) -> tuple[list[bytes], FoldIn] | None:
        """The user's factors from the merged history: confidence 1 + alpha · rating; None when no item is known.

        Returns: the history's known items, as the columns of ``FoldIn.explained``, and the solution.
        """
        known = [entry for entry in history.entries if entry.item in self.rows]
        if not known:
            return None
        at = np.array([self.rows[entry.item] for entry in known], dtype=np.int64)
        confidence = np.array([1.0 + self.alpha * entry.rating / WEIGHT_SCALE for entry in known])
        return [entry.item for entry in known], fold_in(self.factors, self.gram, at, confidence, self.regularization)

    def scores(self, vector: NDArray[np.float64]) -> NDArray[np.float32]:
        """The predicted preference for each item: x · Y."""
        return self.factors @ vector.astype(np.float32)


def model_of(snapshot: Snapshot) -> Model | None:
    """The model of the snapshot's generation, kept in memory while answers use that generation; None: it has none."""
    generation, cache = snapshot.generation, snapshot.views.models
    if generation is None:
        return None
    try:
        return cache[generation]
    except KeyError:
        model = _load(snapshot)
        cache.clear()  # another thread may still compute with the model that it holds
        cache[generation] = model
        return model


def _load(snapshot: Snapshot) -> Model | None:
    head = snapshot.of_generation(SPACE, [META, GRAM])
    if len(head) < 2:
        return None
    meta = json.loads(head[META])
    width = meta["factors"]
    chunks = range(-(-meta["items"] // CHUNK_ITEMS))
    keys = [f"{part}/{chunk:06d}".encode() for chunk in chunks for part in ("factors", "names")]
    rows = snapshot.of_generation(SPACE, keys)
    if len(rows) < len(keys):
        return None
    factors = b"".join(rows[key] for key in keys[::2])
    items = [item for key in keys[1::2] for item in unpack_columns(rows[key])[0]]
    return Model(
        items,
        {item: row for row, item in enumerate(items)},
        np.frombuffer(factors, np.float32).reshape(-1, width),
        np.frombuffer(head[GRAM], np.float32).reshape(width, width),
        meta["alpha"],
        meta["regularization"],
    )
