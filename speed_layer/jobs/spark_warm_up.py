"""Runs what a micro-batch on Spark runs: a stream, its two stages, both steps in each worker, and Kafka's source.

The steps run on made-up events. From the log the last records are read, and nothing is made of them.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adapters.engine.kafka_source import as_records
from adapters.engine.session import in_workers
from adapters.log.kafka_log import Log
from core.partitions.parcels import PARCELS_DDL
from schemas.control import Offsets
from speed_layer.steps.micro_batch import TALLY_DDL
from speed_layer.warm_up import rehearse

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FEW = 50  # records of a partition that the warm-up reads


def warm_up_steps(spark: "SparkSession", checkpoints: Path) -> None:
    """Start the Python workers and load what a first micro-batch would; nothing of it counts anywhere.

    Args: checkpoints: a folder, which may be missing.
    """
    tasks = spark.sparkContext.defaultParallelism

    def apply(frame: "DataFrame", number: int) -> None:
        numbers = frame.sparkSession.range(0, tasks, 1, tasks)
        parcels = in_workers(numbers, _rehearsed, PARCELS_DDL)
        in_workers(parcels.repartitionById(tasks, "task"), _nothing, TALLY_DDL).collect()
        in_workers(frame.coalesce(1), _nothing, TALLY_DDL).collect()

    rows: Any = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 10).load()
    _run_once(rows, apply, checkpoints)


def warm_up_source(spark: "SparkSession", options: dict[str, str], checkpoints: Path) -> None:
    """Read the log to its end by a stream with those options of Kafka's source; nothing is made of the records."""

    def apply(frame: "DataFrame", number: int) -> None:
        in_workers(as_records(frame).coalesce(1), _nothing, TALLY_DDL).collect()

    _run_once(spark.readStream.format("kafka").options(**options).load(), apply, checkpoints)


def last_records(log: Log) -> Offsets:
    """Return from where on the log holds a few records in each partition, or none."""
    first = log.start_offsets()
    return {partition: max(first[partition], end - FEW) for partition, end in log.end_offsets().items()}


def _run_once(rows: Any, apply: "Callable[[DataFrame, int], None]", checkpoints: Path) -> None:
    checkpoints.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="warm-up-", dir=checkpoints.resolve(), ignore_cleanup_errors=True) as checkpoint:
        writer = rows.writeStream.foreachBatch(apply).option("checkpointLocation", f"file://{checkpoint}")
        writer.trigger(once=True).start().awaitTermination()


def _rehearsed(_: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    rehearse()
    yield from ()


def _nothing(rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for _ in rows:
        pass
    yield from ()
