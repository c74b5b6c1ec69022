"""Item factors by Spark MLlib, for ratings that do not fit one process."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from recommenders.als.fitting import Factors, width_of
from recommenders.als.fold_in import Matrix
from recommenders.artefact import Artefact
from recommenders.port import Past, Size
from schemas.event import WEIGHT_SCALE

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame

    from recommenders.als.model import AlsSettings

SWEEPS_PER_CHECKPOINT = 3  # ten sweeps without one are a lineage too deep for Java's stack
RATINGS_PER_BLOCK = 1_000_000  # of Spark's ALS: a block's factors and ratings are in memory together


def by_spark(past: Past, size: Size, als: "AlsSettings", before: Artefact | None) -> Factors:
    """Return the factors by MLlib, which scales the regularization by the number of a row's ratings (ALS-WR).

    Its λ is divided by the geometric mean of users' and items' mean counts: the product of both sides' terms, which
    alone decides the fit (what one side's factors lose the other's gain), is then implicit's for mean rows.
    """
    from pyspark.ml.recommendation import ALS

    ratings = past.frame()
    unit = unit_of(ratings)
    mean_count = math.sqrt(size.ratings / max(1, size.users) * (size.ratings / size.items))
    per_rating = als.regularization / mean_count
    context = ratings.sparkSession.sparkContext
    blocks = max(context.defaultParallelism, size.ratings // RATINGS_PER_BLOCK)
    coded, items = numbered(ratings)
    model = ALS(
        rank=width_of(als, size.items), maxIter=als.iterations, implicitPrefs=True, alpha=als.alpha / unit,
        regParam=per_rating, seed=als.seed, numUserBlocks=blocks, numItemBlocks=blocks,
        checkpointInterval=SWEEPS_PER_CHECKPOINT,
    )  # fmt: skip
    with _checkpoints(context, past.scratch):
        fitted = model.fit(coded)
        factors = fitted.itemFactors.join(items, fitted.itemFactors["id"] == items["item"])
        rows = factors.select("item_id", "features").toArrow()
    y = rows.column("features").combine_chunks().flatten().to_numpy().reshape(-1, fitted.rank).astype(np.float32)
    names = [name.encode() for name in rows.column("item_id").to_pylist()]
    order = sorted(range(len(names)), key=names.__getitem__)
    ordered: Matrix = y[order]
    return Factors([names[row] for row in order], ordered, unit, per_rating=per_rating)


def unit_of(ratings: "DataFrame") -> float:
    """Return the median rating, as ``fitting.unit_of``."""
    from pyspark.sql import functions as F

    row = ratings.agg(F.percentile_approx("rating", 0.5, 1_000_000)).head()
    return float(row[0]) / WEIGHT_SCALE if row and row[0] else 1.0


@contextmanager
def _checkpoints(context: "SparkContext", path: str) -> Iterator[None]:
    """Provide a folder of its own for checkpoints in the block, deleted after it."""
    java: Any = context._jvm
    context.setCheckpointDir(path)
    made = java.org.apache.hadoop.fs.Path(context.getCheckpointDir())
    try:
        yield
    finally:
        made.getFileSystem(context._jsc.hadoopConfiguration()).delete(made, True)


def numbered(ratings: "DataFrame") -> tuple["DataFrame", "DataFrame"]:
    """Return (user, item, rating in units), since MLlib wants 32-bit numbers, and (item_id, item)."""
    from pyspark.sql import functions as F

    users, items = _dense(ratings, "user_id", "user"), _dense(ratings, "item_id", "item")
    joined = ratings.join(users, "user_id").join(items, "item_id")
    return joined.select("user", "item", (F.col("rating") / WEIGHT_SCALE).cast("float").alias("rating")), items


def _dense(ratings: "DataFrame", name: str, number: str) -> "DataFrame":
    """Return (name, number): the distinct names numbered from 0 without gaps, and without bringing them together."""
    from pyspark.sql import functions as F

    rows = ratings.select(name).distinct().select(name, F.monotonically_increasing_id().alias("at"))
    rows = rows.localCheckpoint()  # the numbers must not change while they are used
    part = F.shiftright("at", 33)  # above is the partition's number, below the row's within it
    counts = {row[0]: row[1] for row in rows.groupBy(part.alias("part")).count().collect()}
    before = np.cumsum([0, *(counts.get(k, 0) for k in range(max(counts)))]).tolist()
    first = F.element_at(F.array(*map(F.lit, before)), (part + 1).cast("int"))
    return rows.select(name, (first + F.col("at") - F.shiftleft(part, 33)).cast("int").alias(number))
