"""Runs what a micro-batch on Spark runs, on made-up rows: a stream, its two stages, and both steps in each worker."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adapters.engine.session import in_workers
from core.events.parcels import PARCELS_DDL
from speed_layer.micro_batch import TALLY_DDL
from speed_layer.warm_up import rehearse

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def warm_up_spark(spark: "SparkSession", checkpoint: Path) -> None:
    """Start the Python workers and load what a first micro-batch would; nothing of it counts anywhere.

    Args: checkpoint: a folder for the stream, which the caller deletes.
    """
    tasks = spark.sparkContext.defaultParallelism

    def apply(frame: "DataFrame", number: int) -> None:
        numbers = frame.sparkSession.range(0, tasks, 1, tasks)
        parcels = in_workers(numbers, _rehearsed, PARCELS_DDL)
        in_workers(parcels.repartitionById(tasks, "task"), _nothing, TALLY_DDL).collect()
        in_workers(frame.coalesce(1), _nothing, TALLY_DDL).collect()

    rows: Any = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 10).load()
    writer = rows.writeStream.foreachBatch(apply).option("checkpointLocation", f"file://{checkpoint}")
    query = writer.trigger(once=True).start()
    query.awaitTermination()


def _rehearsed(_: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    rehearse()
    yield from ()


def _nothing(rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for _ in rows:
        pass
    yield from ()
