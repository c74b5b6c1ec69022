"""ALS factors for implicit feedback (Hu, Koren, Volinsky 2008) with ``implicit``, and the rows that hold a model."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.codec import pack_sums
from schemas.event import REMOVE, WEIGHT_SCALE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MODEL = "model"
ROW_BYTES = 1 << 20  # of factors in one row: a store may refuse rows of some megabytes


@dataclass(frozen=True)
class AlsSettings:
    """``factors`` f; ``regularization`` lambda; confidence c = 1 + ``alpha`` * rating, a view's rating being 1."""

    factors: int
    iterations: int
    regularization: float
    alpha: float
    seed: int = 42


@dataclass(frozen=True)
class Model:
    """Item factors Y, shape (items, f), in the order of ``items`` (ascending by UTF-8 bytes)."""

    items: list[bytes]
    factors: NDArray[np.float32]
    settings: AlsSettings


def interactions(events: "DataFrame") -> "DataFrame":
    """(user_id, item_id, rating) with the greatest weight of each pair that was not retracted last; thousandths."""
    from pyspark.sql import functions as F

    weighty = events.where("weight <> 0")
    last = F.max_by("weight", "offset").alias("last")
    best = weighty.groupBy("user_id", "item_id").agg(F.max("weight").alias("rating"), last)
    return best.where(F.col("last") != REMOVE).select("user_id", "item_id", "rating")


def train(ratings: pa.Table, settings: AlsSettings) -> Model | None:
    """Factorise (user_id, item_id, rating in thousandths); None when there is nothing to learn from."""
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    if ratings.num_rows == 0:
        return None
    users, rows = _ranked(ratings.column("user_id"))
    names, columns = _ranked(ratings.column("item_id"))
    confidence = 1 + settings.alpha * ratings.column("rating").to_numpy() / WEIGHT_SCALE
    shape = (len(users), len(names))
    matrix = csr_matrix((confidence.astype(np.float32), (rows, columns)), shape=shape)
    with threadpool_limits(1, "blas"):  # implicit runs its own threads; BLAS threads beside them cost much
        model = AlternatingLeastSquares(
            factors=min(settings.factors, max(1, len(names) - 1)), iterations=settings.iterations,
            regularization=settings.regularization, random_state=settings.seed, calculate_training_loss=False,
        )  # fmt: skip
        model.fit(matrix, show_progress=False)
    return Model(names, np.asarray(model.item_factors, np.float32), settings)


def _ranked(column: pa.ChunkedArray) -> tuple[list[bytes], NDArray[np.int32]]:
    """The distinct names, ascending by UTF-8 bytes, and each row's place among them."""
    names = column.combine_chunks().cast(pa.binary())
    distinct = names.unique()
    ordered = distinct.take(pc.sort_indices(distinct))
    return ordered.to_pylist(), pc.index_in(names, value_set=ordered).to_numpy()


def model_rows(model: Model) -> Iterator[tuple[bytes, bytes]]:
    """The rows of the space ``model``: meta, gram (YtY, float32), and names and factors in chunks."""
    y = model.factors
    many = max(1, ROW_BYTES // (y.itemsize * y.shape[1]))
    meta: dict[str, Any] = {"factors": y.shape[1], "items": len(model.items), "items_a_row": many}
    meta |= {"alpha": model.settings.alpha, "regularization": model.settings.regularization}
    yield b"meta", json.dumps(meta).encode()
    yield b"gram", (y.astype(np.float64).T @ y).astype(np.float32).tobytes()
    for chunk, first in enumerate(range(0, len(model.items), many)):
        names = model.items[first : first + many]
        yield b"names/%06d" % chunk, pack_sums((name, first + k) for k, name in enumerate(names))
        yield b"factors/%06d" % chunk, y[first : first + many].tobytes()
