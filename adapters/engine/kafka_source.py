"""Kafka through Spark: a bounded read and a stream, both read-committed and never skipping what retention removed."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.kafka_options import java_options
from adapters.settings import Settings
from schemas.control import Offsets

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# The client asks for the next records as soon as it has what it wanted, and then for the log's end. The broker holds
# that answer back this long: with its default of 500 ms, a reader of the whole log waits half a second per partition.
WAIT_MS = "10"
# Fewer and larger answers than by default: the broker of a log that is read from its beginning has half the work.
LARGE_READS = {"kafka.max.poll.records": "5000", "kafka.max.partition.fetch.bytes": str(4 << 20)}


def source_options(settings: Settings, bootstrap: str) -> dict[str, str]:
    """Return the options for reading and writing; security settings are passed on under Java's names."""
    options = {"kafka.bootstrap.servers": bootstrap, "subscribe": settings.topic("events")}
    options |= {"kafka.isolation.level": "read_committed", "failOnDataLoss": "true", "kafka.fetch.max.wait.ms": WAIT_MS}
    options |= LARGE_READS
    return options | {f"kafka.{key}": value for key, value in java_options(settings.log.kafka_options).items()}


def as_json(settings: Settings, offsets: Offsets) -> str:
    """Return offsets in the form that Spark's Kafka source takes."""
    return json.dumps({settings.topic("events"): {str(p): offset for p, offset in offsets.items()}})


def read_range(
    spark: "SparkSession", settings: Settings, bootstrap: str, start: Offsets, end: Offsets,
    options: Mapping[str, str] | None = None,
) -> "DataFrame":  # fmt: skip
    """Return the records from ``start`` to below ``end`` as ``RECORD_COLUMNS``; ``options``: more of Kafka's."""
    reader = spark.read.format("kafka").options(**source_options(settings, bootstrap), **(options or {}))
    reader = reader.option("startingOffsets", as_json(settings, start)).option("endingOffsets", as_json(settings, end))
    return as_records(reader.load())


def as_records(source: "DataFrame") -> "DataFrame":
    """Turn Spark's Kafka columns into ``RECORD_COLUMNS``."""
    from pyspark.sql import functions as F

    stamp = F.unix_millis("timestamp").alias("timestamp")
    return source.select("partition", "offset", stamp, "key", "value")
