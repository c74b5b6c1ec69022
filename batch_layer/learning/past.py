"""What the recommenders of a generation learn from, out of the lake: in memory when there is little, else a table."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adapters.terminal.progress import progress
from batch_layer.learning.asking import InteractionsPast
from batch_layer.learning.encoding import encoded, pieces
from batch_layer.learning.labels import Records
from recommenders.artefact import Artefact
from recommenders.port import Pictured, Pieces, Size, Standing
from schemas.event import REMOVE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def interactions(events: "DataFrame") -> "DataFrame":
    """Return (user_id, item_id, rating, touched) of each pair since its last retraction.

    rating: its greatest weight, thousandths. touched: its newest offset; those of one user are in one partition.
    """
    from pyspark.sql import functions as F

    pair, offset = ["user_id", "item_id"], F.col("offset")
    removes = events.where(F.col("weight") == REMOVE).groupBy(pair).agg(F.max("offset").alias("removed"))
    rated = events.where("weight > 0").join(removes, pair, "left")
    standing = rated.where(F.col("removed").isNull() | (offset > F.col("removed")))
    return standing.groupBy(pair).agg(F.max("weight").alias("rating"), F.max("offset").alias("touched"))


def nothing_pictured() -> None:
    """Return nothing: no pictures are indexed."""
    return


@dataclass
class LakePast:
    """``recommenders.port.Past`` over a table (user_id, item_id, rating[, touched]), which is kept until ``close``."""

    ratings: "DataFrame"
    scratch: str
    report: Callable[[str], None]
    from_scratch: bool = False
    described: "Callable[[], Records]" = dict
    seen: "Callable[[], Pictured | None]" = nothing_pictured
    seed: int = 42

    def __post_init__(self) -> None:
        self.ratings.persist()

    def close(self) -> None:
        """Release what is kept."""
        self.ratings.unpersist()

    def say(self, line: str, /) -> None:
        self.report(line)

    def leave_out(self, name: str, why: str, /) -> None:
        self.report(f"{name} is left out: {why}")

    def progress(self, what: str, total: int, /) -> AbstractContextManager[Callable[..., None]]:
        return progress(what, total)

    def records(self) -> Records:
        return self.described()

    def encoded(self, texts: Sequence[str], text_model: str, /) -> NDArray[np.float32] | None:
        return encoded(texts, text_model, partial(self.leave_out, "words"))

    def pieces(self, text_model: str, /) -> Pieces | None:
        return pieces(text_model)

    def pictured(self) -> Pictured | None:
        return self.seen()

    def frame(self) -> "DataFrame":
        return self.ratings

    def size(self) -> Size:
        from pyspark.sql import functions as F

        counts = F.count("*"), F.approx_count_distinct("user_id"), F.count_distinct("item_id")
        row = self.ratings.agg(*counts).head()
        return Size(*row) if row else Size(0, 0, 0)

    def standing(self) -> Standing:
        """Return all pairs; 64-bit hashes stand for names in transit, since no rating needs its names."""
        from pyspark.sql import functions as F

        rows = (
            self.ratings.select("item_id").distinct().select("item_id", F.xxhash64("item_id").alias("hash")).toArrow()
        )
        names = rows.column("item_id").combine_chunks().cast(pa.binary())
        order = np.asarray(pc.sort_indices(names))
        hashes = rows.column("hash").to_numpy()[order]
        rating = F.col("rating").cast("int").alias("rating")  # at most 10^9
        order_of = [F.col(name) for name in self.ratings.columns if name == "touched"]
        coded = F.xxhash64("user_id").alias("user"), F.xxhash64("item_id").alias("item")
        hashed = self.ratings.select(*coded, rating, *order_of)
        columns = hashed.toArrow()
        user, item, weight, *touched = (columns.column(name).to_numpy() for name in columns.column_names)
        by_hash = np.argsort(hashes)
        code = by_hash[np.searchsorted(hashes[by_hash], item)]
        placed = np.lexsort((code, user))  # Spark's order varies; what is learned must not
        pairs = user[placed], code[placed], weight[placed], *(column[placed] for column in touched)
        return Standing(names.take(pa.array(order)).to_pylist(), *pairs)


@dataclass(frozen=True)
class SmallPast(InteractionsPast):
    """``recommenders.port.Past`` over the lake's interactions in memory; ``table`` opens them in the engine."""

    report: Callable[[str], None] = print
    table: "Callable[[], DataFrame] | None" = None
    described: Callable[[], Records] | None = None
    seen: Callable[[], Pictured | None] | None = None

    def say(self, line: str, /) -> None:
        self.report(line)

    def records(self) -> Records:
        return super().records() if self.described is None else self.described()

    def pictured(self) -> Pictured | None:
        return super().pictured() if self.seen is None else self.seen()

    def frame(self) -> "DataFrame":
        return super().frame() if self.table is None else self.table()

    def standing(self) -> Standing:
        """Return the pairs with the items ascending by name, as they will be served."""
        standing = super().standing()
        order = sorted(range(len(standing.items)), key=standing.items.__getitem__)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        code = place[standing.item]
        placed = np.lexsort((code, standing.user))
        items = [standing.items[k] for k in order]
        columns = standing.user, code, standing.rating, standing.touched
        return Standing(items, *(column[placed] for column in columns))

    def close(self) -> None:
        """Do nothing: this past keeps nothing outside this process."""


def summary(artefact: Artefact | None) -> dict[str, Any]:
    """Return what a generation's metrics say of a model."""
    return {} if artefact is None else {"items": len(artefact.items), **artefact.facts}
