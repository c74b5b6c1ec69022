"""Log to lake: every record of a range is accepted into the events table or kept as rejected, by the one parser."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from adapters.engine.session import in_workers
from core.events.parse import parse_columns
from schemas.event import RECORD_COLUMNS
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PARSED_DDL = (
    "partition int, offset bigint, timestamp bigint, event_id string, event_time bigint, kind string, user_id string, "
    "item_id string, value double, category string, raw binary, key binary, reason string"
)
_PARSED = pa.schema(
    [
        ("partition", pa.int32()), ("offset", pa.int64()), ("timestamp", pa.int64()), ("event_id", pa.string()),
        ("event_time", pa.int64()), ("kind", pa.string()), ("user_id", pa.string()), ("item_id", pa.string()),
        ("value", pa.float64()), ("category", pa.string()), ("raw", pa.binary()), ("key", pa.binary()),
        ("reason", pa.string()),
    ]
)  # fmt: skip


def parsed(records: "DataFrame", rules: Rules) -> "DataFrame":
    """Each record once: an accepted event (``reason`` null) or a rejected one; ``raw`` is its value as it came."""
    return in_workers(records, lambda batches: parse_batches(batches, rules), PARSED_DDL)


def parse_batches(batches: Iterable[pa.RecordBatch], rules: Rules) -> Iterator[pa.RecordBatch]:
    """``RECORD_COLUMNS`` in, parsed rows out."""
    for given in batches:
        records = pa.RecordBatch.from_arrays(given.columns, schema=RECORD_COLUMNS)
        events, rejected = parse_columns(records, rules)
        kept = {name: events.column(name) for name in events.schema.names if name != "weight"}
        yield _rows(kept | {"raw": _raw_of(records, events)})
        columns = {name: rejected.column(name) for name in ("partition", "offset", "timestamp", "key", "reason")}
        yield _rows(columns | {"raw": rejected.column("value")})


def accepted(rows: "DataFrame", topic: str) -> "DataFrame":
    """The lake's columns of what was accepted."""
    from pyspark.sql import functions as F

    names = ("event_id", "event_time", "kind", "user_id", "item_id", "value", "category")
    raw = F.decode("raw", "UTF-8").alias("raw")
    place = (F.lit(topic).alias("topic"), "partition", "offset", "timestamp")
    return rows.where("reason is null").select(*place, *names, raw)


def rejected(rows: "DataFrame", topic: str) -> "DataFrame":
    """The lake's columns of what was rejected, with its bytes and the reason."""
    from pyspark.sql import functions as F

    place = (F.lit(topic).alias("topic"), "partition", "offset", "timestamp")
    return rows.where("reason is not null").select(*place, "key", F.col("raw").alias("value"), "reason")


def _raw_of(records: pa.RecordBatch, events: pa.RecordBatch) -> pa.BinaryArray:
    """The values of those records that became events; both are in the log's order."""
    if events.num_rows == records.num_rows:
        return records.column("value")
    place = {at: row for row, at in enumerate(_places(records))}
    return records.column("value").take(pa.array([place[at] for at in _places(events)], pa.int64()))


def _places(batch: pa.RecordBatch) -> Iterator[tuple[int, int]]:
    columns = (batch.column(name).to_pylist() for name in ("partition", "offset"))
    return zip(*columns, strict=True)


def _rows(columns: dict[str, pa.Array]) -> pa.RecordBatch:
    n = len(columns["partition"])
    arrays = [columns.get(field.name, pa.nulls(n, field.type)) for field in _PARSED]
    return pa.RecordBatch.from_arrays(arrays, schema=_PARSED)
