"""Log to lake: every record of a range is accepted into the events table or kept as rejected, by the one parser."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from adapters.lake.parts import EVENTS, PARTS, REJECTED, Part, PartWriter, as_rows
from adapters.log.columns import record_batches
from adapters.log.dead_letters import bury_all
from adapters.log.kafka_log import Log
from core.events.parse import parse_columns
from schemas.control import Offsets
from schemas.rules import Rules

__all__ = ["PARTS", "LogRange", "ingest", "ranges"]

OFFSETS_PER_TASK = 1_000_000  # at most: that many events make a file of some 60 MB


@dataclass(frozen=True)
class LogRange:
    """Offsets of one partition from ``start`` to below ``end``; one task reads them."""

    partition: int
    start: int
    end: int


def ranges(start: Offsets, end: Offsets, most: int = OFFSETS_PER_TASK) -> list[LogRange]:
    """Return what lies between, cut into ranges of at most ``most`` offsets; nothing for a partition without news."""
    return [
        LogRange(partition, first, min(first + most, stop))
        for partition, stop in end.items()
        for first in range(start[partition], stop, most)
    ]


def ingest(log: Log, given: LogRange, lake: str, rules: Rules) -> Iterator[pa.RecordBatch]:
    """Write one range into new files of the lake and bury what is rejected; yields the ``PARTS``.

    Repeating it writes other files, of which no commit names more than one, and dead letters that readers take once.
    """
    written = _Written(lake, log.topics.events, given.partition)
    for records in record_batches(log, given.partition, given.start, given.end):
        events, rejected = parse_columns(records, rules)
        bury_all(log, rejected)
        written.add(records, events, rejected)
    yield as_rows(written.close())


@dataclass
class _Written:
    """The files of one range; an events file even if all are rejected, as a commit needs one to carry its note."""

    lake: str
    topic: str
    partition: int
    rejected: PartWriter | None = None
    events: PartWriter = field(init=False)

    def __post_init__(self) -> None:
        self.events = PartWriter(self.lake, "events", EVENTS, self.partition)

    def add(self, records: pa.RecordBatch, events: pa.RecordBatch, rejected: pa.RecordBatch) -> None:
        raw = _raw_of(records, events).cast(pa.string())  # what was accepted is UTF-8
        self.events.write(_rows(EVENTS, self.topic, events, raw=raw))
        if rejected.num_rows:
            self.rejected = self.rejected or PartWriter(self.lake, "rejected", REJECTED, self.partition)
            self.rejected.write(_rows(REJECTED, self.topic, rejected))

    def close(self) -> list[Part]:
        return [writer.close() for writer in (self.rejected, self.events) if writer is not None]


def _raw_of(records: pa.RecordBatch, events: pa.RecordBatch) -> pa.BinaryArray:
    """Return the values of the records that became events; both are in the order of one partition's offsets."""
    values = records.column("value")
    if events.num_rows == records.num_rows:
        return values
    at = np.searchsorted(records.column("offset").to_numpy(), events.column("offset").to_numpy())
    return values.take(pa.array(at))


def _rows(columns: pa.Schema, topic: str, given: pa.RecordBatch, **more: pa.Array) -> pa.RecordBatch:
    whole = {name: given.column(name) for name in given.schema.names} | more
    whole["topic"] = pa.repeat(pa.scalar(topic, pa.string()), given.num_rows)
    return pa.RecordBatch.from_arrays([whole[name] for name in columns.names], schema=columns)
