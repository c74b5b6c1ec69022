"""A range of the log as columns, a bounded number of records and bytes at a time."""

from collections.abc import Iterator

import pyarrow as pa
from confluent_kafka import Message

from adapters.log.kafka_log import Log
from schemas.event import RECORD_COLUMNS

RECORDS_AT_ONCE, BYTES_AT_ONCE = 50_000, 32 << 20


def record_batches(log: Log, partition: int, start: int, end: int) -> Iterator[pa.RecordBatch]:
    """Yield ``RECORD_COLUMNS`` of every committed event record from ``start`` to below ``end``, in the log's order.

    Raises:
        SettingsError: a part of the range is no longer in the log.
    """
    kept, size = list[Message](), 0
    for chunk in log.chunks(log.topics.events, {partition: start}, {partition: end}):
        chunk_size = sum(map(len, chunk))
        if kept and (len(kept) + len(chunk) > RECORDS_AT_ONCE or size + chunk_size > BYTES_AT_ONCE):
            yield columns_of(kept)
            kept, size = [], 0
        kept += chunk
        size += chunk_size
    if kept:
        yield columns_of(kept)


def columns_of(messages: list[Message]) -> pa.RecordBatch:
    """Return ``RECORD_COLUMNS`` of the messages, byte for byte what Spark's Kafka source has in them."""
    columns = (
        [message.partition() for message in messages],
        [message.offset() for message in messages],
        [message.timestamp()[1] for message in messages],
        [message.key() for message in messages],
        [message.value() for message in messages],
    )
    arrays = [pa.array(column, kind) for column, kind in zip(columns, RECORD_COLUMNS.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=RECORD_COLUMNS)
