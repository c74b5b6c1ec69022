"""ALS factors for implicit feedback (Hu, Koren, Volinsky 2008): one process's fit, its need, and a model's rows.

A view is rated 1, and confidence is c = 1 + alpha * rating; whatever is not rated has preference 0 at confidence 1.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adapters.books import generation_book
from adapters.settings import Settings
from adapters.stores.port import ViewStore
from core.codec import pack_sums, unpack_columns
from schemas.errors import MillraceError
from schemas.event import REMOVE, WEIGHT_SCALE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Matrix = NDArray[np.float32]
Ints = NDArray[np.int64]

MODEL = "model"
META, GRAM, CALIBRATION = b"meta", b"gram", b"calibration"  # the last one is written by the step evaluate
ROW_BYTES = 1 << 20  # of factors in one row: a store may refuse rows of some megabytes
WARM_SHARE = 3  # a warm start takes a third of the sweeps: as good on three public sets as all of them from other seeds


@dataclass(frozen=True)
class AlsSettings:
    """``factors`` f; ``regularization`` lambda; confidence c = 1 + ``alpha`` * rating, a view's rating being 1."""

    factors: int
    iterations: int
    regularization: float
    alpha: float
    seed: int = 42


def als_settings(settings: Settings) -> AlsSettings:
    """As configured."""
    return AlsSettings(settings.als_factors, settings.als_iterations, settings.als_regularization, settings.als_alpha)


@dataclass(frozen=True)
class Engine:
    """``name``: implicit, spark or auto; auto takes implicit where it needs no more than ``memory`` bytes."""

    name: str = "auto"
    memory: int = 4 << 30


@dataclass(frozen=True)
class Size:
    """How many pairs are rated, by how many users, of how many items."""

    ratings: int
    users: int
    items: int

    def memory(self, factors: int) -> int:
        """Bytes that a fit in one process needs at its peak, the interpreter apart.

        Measured with 50 factors: 137 and 124 a rating at 1 and 4 million of them (columns from Spark, their order, two
        sparse matrices), and 6.7 a factor of each of 400,000 users and items (float32, and what grows beside it). A
        name is taken as 100.
        """
        return 130 * self.ratings + 8 * factors * (self.users + self.items) + 100 * self.items


@dataclass(frozen=True)
class Model:
    """Item factors Y, shape (items, f), in the order of ``items`` (ascending by UTF-8 bytes).

    ``per_rating``: Spark's lambda, which counts once for each of a row's ratings; None: that of the settings, once.
    ``asked``: the configured settings for which a search found ``settings``; None without one.
    """

    items: list[bytes]
    factors: Matrix
    settings: AlsSettings
    engine: str = "implicit"
    per_rating: float | None = None
    asked: AlsSettings | None = None
    warm: bool = field(default=False, compare=False)

    @property
    def regularization(self) -> tuple[float, bool]:
        """Lambda of a user's fold-in, and whether it counts once for each of the user's items."""
        return (self.settings.regularization, False) if self.per_rating is None else (self.per_rating, True)


def interactions(events: "DataFrame") -> "DataFrame":
    """(user_id, item_id, rating) with the greatest weight of each pair that was not retracted last; thousandths."""
    from pyspark.sql import functions as F

    weighty = events.where("weight <> 0")
    last = F.max_by("weight", "offset").alias("last")
    best = weighty.groupBy("user_id", "item_id").agg(F.max("weight").alias("rating"), last)
    return best.where(F.col("last") != REMOVE).select("user_id", "item_id", "rating")


def hashed(ratings: "DataFrame") -> "DataFrame":
    """(user, item, rating), 20 bytes a row: 64-bit hashes for names, since no name is needed for each rating."""
    from pyspark.sql import functions as F

    rating = F.col("rating").cast("int").alias("rating")  # at most 10^9
    return ratings.select(F.xxhash64("user_id").alias("user"), F.xxhash64("item_id").alias("item"), rating)


def engine_for(engine: Engine, size: Size, factors: int) -> str:
    """``implicit`` or ``spark``."""
    if engine.name != "auto":
        return engine.name
    return "implicit" if size.memory(factors) <= engine.memory else "spark"


def width_of(als: AlsSettings, items: int) -> int:
    """No more factors than items can fill."""
    return min(als.factors, max(1, items - 1))


def fit(user: Ints, item: Ints, rating: Ints, items: int, als: AlsSettings, start: Matrix | None = None) -> Matrix:
    """Item factors, shape (items, width), by ``implicit`` on all cores.

    Args:
        user: any integers, equal ones for one user.      item: codes below ``items``.
        rating: thousandths, > 0; pairs are unique.      start: the factors to begin with, in the shape of the result.
    """
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    known, row = np.unique(user, return_inverse=True)
    confidence = (1 + als.alpha * rating / WEIGHT_SCALE).astype(np.float32)
    matrix = csr_matrix((confidence, (row.astype(np.int32), item.astype(np.int32))), shape=(len(known), items))
    sweeps = als.iterations if start is None else -(-als.iterations // WARM_SHARE)
    with threadpool_limits(1, "blas"):  # implicit runs its own threads; BLAS threads beside them cost much
        model = AlternatingLeastSquares(
            factors=width_of(als, items), iterations=sweeps, regularization=als.regularization,
            random_state=als.seed, calculate_training_loss=False,
        )  # fmt: skip
        model.item_factors = start
        model.fit(matrix, show_progress=False)
    found: Matrix = np.asarray(model.item_factors, np.float32)
    if not np.isfinite(found).all():
        raise MillraceError(
            f"ALS diverged (factors {als.factors}, regularization {als.regularization}, alpha {als.alpha}): raise "
            "als_regularization or lower als_alpha"
        )
    return found


def warm_start(names: pa.BinaryArray, previous: Model | None, width: int, seed: int) -> Matrix | None:
    """The previous factors by item name, small random ones for items that are new; None: begin anew."""
    if previous is None or previous.factors.shape[1] != width or not previous.items:
        return None
    at = pc.index_in(names, value_set=pa.array(previous.items, pa.binary()))
    if at.null_count == len(names):
        return None
    known = np.asarray(at.is_valid())
    start = np.random.default_rng(seed).random((len(names), width), dtype=np.float32) * np.float32(0.01)
    start[known] = previous.factors[np.asarray(at.drop_null())]
    return start


def reused(configured: AlsSettings, previous: Model | None) -> tuple[AlsSettings, AlsSettings | None]:
    """The settings to train with, and those for which a search found them: kept until the configured ones change."""
    if previous is None or previous.asked != configured:
        return configured, None
    return replace(previous.settings, iterations=configured.iterations), configured


def model_rows(model: Model) -> Iterator[tuple[bytes, bytes]]:
    """The rows of the space ``model``: meta, gram (YtY, float32), and names and factors in chunks."""
    y, als = model.factors, model.settings
    many = max(1, ROW_BYTES // (y.itemsize * y.shape[1]))
    meta: dict[str, Any] = {"factors": y.shape[1], "items": len(model.items), "items_a_row": many}
    strength, weighted = model.regularization
    meta |= {"alpha": als.alpha, "regularization": strength, "weighted": weighted, "engine": model.engine}
    meta |= {"settings": asdict(als), "asked": asdict(model.asked) if model.asked else None}
    yield META, json.dumps(meta).encode()
    yield GRAM, (y.astype(np.float64).T @ y).astype(np.float32).tobytes()
    for chunk, first in enumerate(range(0, len(model.items), many)):
        names = model.items[first : first + many]
        yield b"names/%06d" % chunk, pack_sums((name, first + k) for k, name in enumerate(names))
        yield b"factors/%06d" % chunk, y[first : first + many].tobytes()


def stored_model(views: ViewStore, generation: str | None) -> Model | None:
    """The model that a generation holds; None: it has none, or one of an earlier form."""
    book = generation_book(generation or "")
    head = views.read(book, MODEL, [META]) if generation else {}
    meta = json.loads(head[META]) if head else {}
    if "settings" not in meta:
        return None
    chunks = range(-(-meta["items"] // meta["items_a_row"]))
    keys = [b"%b/%06d" % (part, chunk) for chunk in chunks for part in (b"names", b"factors")]
    rows = views.read(book, MODEL, keys)
    if len(rows) < len(keys):
        return None
    names = [name for key in keys[::2] for name in unpack_columns(rows[key])[0]]
    y = np.frombuffer(b"".join(rows[key] for key in keys[1::2]), np.float32).reshape(-1, meta["factors"])
    asked = AlsSettings(**meta["asked"]) if meta["asked"] else None
    per_rating = meta["regularization"] if meta["weighted"] else None
    return Model(names, y, AlsSettings(**meta["settings"]), meta["engine"], per_rating, asked)
