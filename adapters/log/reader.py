"""Read a bounded range of a topic: every committed record in it, and then stop."""

import time
from collections.abc import Iterator, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from adapters.log.client import TIMEOUT_SECONDS

CHUNK = 2_000
Settings = dict[str, str | int | float | bool]
Ranges = Mapping[int, tuple[int, int]]  # partition -> first offset, end offset (exclusive); none of them empty


def committed_chunks(settings: Settings, topic: str, ranges: Ranges) -> Iterator[list[Message]]:
    """Yield the committed messages of those ranges as they arrive, at most ``CHUNK`` together.

    Raises: KafkaException, with ``_TIMED_OUT`` when nothing arrived for 10 s although the range is not done.
    """
    consumer = Consumer(
        {
            "group.id": "millrace",  # the client wants one; nothing is committed and no group is joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 20,  # the end is reported only after this wait
            **settings,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, partition, start) for partition, (start, _) in ranges.items()])
        left = {partition: end for partition, (_, end) in ranges.items()}
        while left:
            arrived = _arrived(consumer)
            if len(ranges) == 1 and _is_inside(arrived, *left.values()):
                yield arrived
                continue
            before, chunk = set(left), list(_wanted(arrived, left))
            if chunk:
                yield chunk
            if done := before - set(left):
                consumer.pause([TopicPartition(topic, partition) for partition in done])
    finally:
        consumer.close()


def _is_inside(messages: list[Message], end: int) -> bool:
    """Return whether all messages, of one partition, are records below the last one of a range that ends there."""
    last = messages[-1].offset()
    return all(message.error() is None for message in messages) and last is not None and last < end - 1


def _wanted(messages: list[Message], left: dict[int, int]) -> Iterator[Message]:
    """Yield the records that the ranges want; a range that is done leaves ``left``."""
    for message in messages:
        partition, offset = _place(message)
        if partition not in left:
            continue
        # A gap of markers or aborted records may reach over the end. The next record, or the log's own end,
        # then shows that the range is done.
        if message.error() is None and offset < left[partition]:
            yield message
            offset += 1
        if offset >= left[partition]:
            del left[partition]


def _arrived(consumer: Consumer) -> list[Message]:
    """Return at least one message, or notice of a partition's end."""
    if arrived := consumer.consume(CHUNK, timeout=0):
        return arrived
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        message = consumer.poll(0.1)
        if message is not None:  # one without a value is as long as nothing, and so counts as false
            return [message]
    raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "no record arrived"))


def _place(message: Message) -> tuple[int, int]:
    """Return partition and offset; of a notice of the end, the offset that comes next."""
    error, partition, offset = message.error(), message.partition(), message.offset()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    if partition is None or offset is None:
        raise KafkaException(KafkaError(KafkaError._FAIL, "a message without a place in the log"))
    return partition, offset
