"""Training the model of a generation: one function, whichever engine fits it."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_layer.train import (
    AlsSettings,
    Engine,
    Ints,
    Matrix,
    Model,
    Size,
    engine_for,
    fit,
    hashed,
    warm_start,
    width_of,
)
from schemas.event import WEIGHT_SCALE

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame

SWEEPS_A_CHECKPOINT = 3  # ten sweeps without one are a lineage too deep for Java's stack
RATINGS_A_BLOCK = 1_000_000  # of Spark's ALS: a block's factors and ratings are in memory together


@dataclass(frozen=True)
class Training:
    """How to train: with which settings, on which engine, from which earlier model; ``asked`` as in ``Model``.

    ``scratch``: a path that all of Spark's machines reach, for checkpoints while it fits; left empty.
    """

    als: AlsSettings
    engine: Engine
    scratch: str
    start: Model | None = None
    asked: AlsSettings | None = None


def train(ratings: "DataFrame", how: Training, say: Callable[[str], None]) -> Model | None:
    """Factorise (user_id, item_id, rating in thousandths); None when there is nothing to learn from.

    Held by this process: with implicit 20 bytes a rating and its own (``Size.memory``); with Spark the items' names and
    factors alone.
    """
    ratings.persist()
    try:
        size = size_of(ratings)
        if size.ratings == 0:
            return None
        engine = engine_for(how.engine, size, how.als.factors)
        names = names_of(ratings)
        need = f"{size.memory(how.als.factors) / 2**20:,.0f} MiB of {how.engine.memory / 2**20:,.0f} for implicit"
        model = (_by_implicit if engine == "implicit" else _by_spark)(ratings, names, size, how)
        begun = "warm" if model.warm else "anew"
        say(
            f"trained ALS with {engine} ({how.engine.name}: {need}), begun {begun}: {size.ratings:,} ratings of "
            f"{size.users:,} users, {size.items:,} items, {model.factors.shape[1]} factors"
        )
        return model
    finally:
        ratings.unpersist()


@dataclass(frozen=True)
class Names:
    """The items' names, ascending by their bytes, and Spark's hash of each."""

    sorted: pa.BinaryArray
    hashes: Ints


def names_of(ratings: "DataFrame") -> Names:
    """All that is collected of the items: a row each."""
    from pyspark.sql import functions as F

    rows = ratings.select("item_id").distinct().select("item_id", F.xxhash64("item_id").alias("hash")).toArrow()
    names = rows.column("item_id").combine_chunks().cast(pa.binary())
    order = pc.sort_indices(names)
    return Names(names.take(order), rows.column("hash").to_numpy()[np.asarray(order)])


def size_of(ratings: "DataFrame") -> Size:
    """Ratings and items exactly, users within a few per cent."""
    from pyspark.sql import functions as F

    found = ratings.agg(F.count("*"), F.approx_count_distinct("user_id"), F.count_distinct("item_id")).head()
    return Size(*found) if found else Size(0, 0, 0)


def _by_implicit(ratings: "DataFrame", names: Names, size: Size, how: Training) -> Model:
    start = warm_start(names.sorted, how.start, width_of(how.als, size.items), how.als.seed)
    columns = hashed(ratings).toArrow()
    user, item, rating = (columns.column(name).to_numpy() for name in ("user", "item", "rating"))
    by_hash = np.argsort(names.hashes)
    code = by_hash[np.searchsorted(names.hashes[by_hash], item)]
    placed = np.lexsort((code, user))  # Spark's order is not always the same; the factors should be
    y = fit(user[placed], code[placed], rating[placed], size.items, how.als, start)
    return Model(names.sorted.to_pylist(), y, how.als, "implicit", asked=how.asked, warm=start is not None)


def _by_spark(ratings: "DataFrame", names: Names, size: Size, how: Training) -> Model:
    """Spark MLlib, which scales the regularization by the number of a row's ratings (ALS-WR).

    Its lambda is divided by the geometric mean of users' and items' mean counts: the product of both sides' terms,
    which alone decides the fit (what one side's factors lose the other's gain), is then implicit's for mean rows.
    """
    from pyspark.ml.recommendation import ALS

    mean_count = math.sqrt(size.ratings / max(1, size.users) * (size.ratings / size.items))
    per_rating = how.als.regularization / mean_count
    context = ratings.sparkSession.sparkContext
    blocks = max(context.defaultParallelism, size.ratings // RATINGS_A_BLOCK)
    coded, items = numbered(ratings)
    als = ALS(
        rank=width_of(how.als, size.items), maxIter=how.als.iterations, implicitPrefs=True, alpha=how.als.alpha,
        regParam=per_rating, seed=how.als.seed, numUserBlocks=blocks, numItemBlocks=blocks,
        checkpointInterval=SWEEPS_A_CHECKPOINT,
    )  # fmt: skip
    with _checkpoints(context, how.scratch):
        fitted = als.fit(coded)
        factors = fitted.itemFactors.join(items, fitted.itemFactors["id"] == items["item"])
        rows = factors.select("item_id", "features").toArrow()
    flat = rows.column("features").combine_chunks().flatten().to_numpy()
    at = pc.index_in(names.sorted, value_set=rows.column("item_id").combine_chunks().cast(pa.binary()))
    y: Matrix = flat.reshape(-1, fitted.rank).astype(np.float32)[at.to_numpy()]
    return Model(names.sorted.to_pylist(), y, how.als, "spark", per_rating, how.asked)


@contextmanager
def _checkpoints(context: "SparkContext", path: str) -> Iterator[None]:
    """A folder of its own for checkpoints in the block, deleted after it."""
    java: Any = context._jvm
    context.setCheckpointDir(path)
    made = java.org.apache.hadoop.fs.Path(context.getCheckpointDir())
    try:
        yield
    finally:
        made.getFileSystem(context._jsc.hadoopConfiguration()).delete(made, True)


def numbered(ratings: "DataFrame") -> tuple["DataFrame", "DataFrame"]:
    """(user, item, rating in units), since MLlib wants 32-bit numbers; and (item_id, item)."""
    from pyspark.sql import functions as F

    users, items = _dense(ratings, "user_id", "user"), _dense(ratings, "item_id", "item")
    joined = ratings.join(users, "user_id").join(items, "item_id")
    return joined.select("user", "item", (F.col("rating") / WEIGHT_SCALE).cast("float").alias("rating")), items


def _dense(ratings: "DataFrame", name: str, number: str) -> "DataFrame":
    """(name, number): the distinct names numbered from 0 without gaps, and without bringing them together."""
    from pyspark.sql import functions as F

    rows = ratings.select(name).distinct().select(name, F.monotonically_increasing_id().alias("at"))
    rows = rows.localCheckpoint()  # the numbers must not change while they are used
    part = F.shiftright("at", 33)  # above is the partition's number, below the row's within it
    counts = {row[0]: row[1] for row in rows.groupBy(part.alias("part")).count().collect()}
    before = np.cumsum([0, *(counts.get(k, 0) for k in range(max(counts)))]).tolist()
    first = F.element_at(F.array(*map(F.lit, before)), (part + 1).cast("int"))
    return rows.select(name, (first + F.col("at") - F.shiftleft(part, 33)).cast("int").alias(number))
