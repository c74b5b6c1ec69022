"""Kafka without Spark: records from given offsets on in columns, read-committed, never skipping what was removed."""

import time
from collections.abc import Iterator

import pyarrow as pa
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from adapters.engine.errors import RangeLost
from adapters.log.client import TIMEOUT_SECONDS, client_settings, translated
from adapters.log.columns import columns_of
from adapters.log.kafka_log import Log
from core.control.boundaries import reaches
from schemas.control import Offsets
from schemas.errors import LogUnavailable

# The broker answers as soon as it has a byte; only while nothing arrives does it wait for this long.
IDLE_WAIT_MS = 500
# It reports a partition's end after this wait: whoever reads up to the end waits as long.
BOUNDED_WAIT_MS = 10
FETCHED_KIB = 32 * 1024  # that the client holds before it is asked; bounds one column, too
_REMOVED = {
    KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET, KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION, KafkaError.UNKNOWN_TOPIC_ID,
    KafkaError.INCONSISTENT_TOPIC_ID, KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH,
}  # fmt: skip


class LocalSource:
    """The events topic's committed records from ``start`` on; nothing is committed to Kafka and no group is joined.

    ``reached`` is per partition the offset that follows what was handed over; it passes gaps (transaction markers,
    aborted records) once a later record or the partition's end shows that they are gaps.
    """

    def __init__(self, log: Log, start: Offsets, wait_ms: int = IDLE_WAIT_MS) -> None:
        self.reached = dict(start)
        self._bootstrap, self._topic = log.bootstrap, log.topics.events
        self._consumer = Consumer(
            {
                "group.id": "millrace",  # the client wants one
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "check.crcs": True,
                "fetch.wait.max.ms": wait_ms,
                "queued.max.messages.kbytes": FETCHED_KIB,
                **client_settings(log.bootstrap, log.options),
            }
        )
        with translated(self._bootstrap):
            self._consumer.assign([TopicPartition(self._topic, p, offset) for p, offset in start.items()])

    def take(self, most: int, wait_seconds: float) -> pa.RecordBatch:
        """Return ``RECORD_COLUMNS`` of at most ``most`` records, waiting ``wait_seconds`` for the first one.

        Raises:
            RangeLost: the log does not hold what follows ``reached``.      LogUnavailable, SettingsError: as ``Log``.
        """
        with translated(self._bootstrap):
            first = self._consumer.poll(wait_seconds) if wait_seconds else None
            arrived = [] if first is None else [first]
            arrived += self._consumer.consume(most - len(arrived), timeout=0) if most > len(arrived) else []
            records = [message for message in arrived if self._noted(message)]
        return columns_of(records)

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def _noted(self, message: Message) -> bool:
        """Return whether it is a record, and not a notice; ``reached`` moves behind it."""
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            if error.code() in _REMOVED:
                raise RangeLost(
                    f"the log no longer holds records that were being read ({error.str()}), as when retention removes "
                    "them: run the command again, it names what is missing"
                )
            raise KafkaException(error)
        if partition is None or offset is None or partition not in self.reached:
            raise LogUnavailable("the log's client delivered a message that has no place in the log")
        self.reached[partition] = max(self.reached[partition], offset if error else offset + 1)
        return error is None


def range_of(log: Log, start: Offsets, end: Offsets, most: int) -> Iterator[pa.RecordBatch]:
    """Yield all records from ``start`` to below ``end``, and perhaps some that follow, at most ``most`` per batch.

    Raises:
        RangeLost, LogUnavailable, SettingsError: as ``take``; LogUnavailable too when nothing arrives for 10 s.
    """
    wanted = {partition: offset for partition, offset in start.items() if offset < end[partition]}
    ends = {partition: end[partition] for partition in wanted}
    source = LocalSource(log, wanted, BOUNDED_WAIT_MS)
    try:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not reaches(source.reached, ends):
            before = sum(source.reached.values())
            batch = source.take(most, 0.1)
            if batch.num_rows:
                yield batch
            if sum(source.reached.values()) > before:
                deadline = time.monotonic() + TIMEOUT_SECONDS
            elif time.monotonic() > deadline:
                raise LogUnavailable(f"the log at {log.bootstrap} has sent no record for {TIMEOUT_SECONDS:g} s")
    finally:
        source.close()
