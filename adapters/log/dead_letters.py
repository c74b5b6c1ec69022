"""Dead letters: records that fail the contract, kept with their bytes, their place in the log and the reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import pyarrow as pa
from confluent_kafka import Message

from adapters.log.appender import Appender
from adapters.log.kafka_log import Log, as_record
from schemas.event import RECORD_COLUMNS, Record

OURS = ("topic", "partition", "offset", "timestamp", "reason")


@dataclass(frozen=True)
class DeadLetter:
    """A rejected record as it stood in the log, and why. ``headers``: its own, where they are kept."""

    record: Record
    reason: str
    headers: Sequence[tuple[str, bytes | None]] = ()


def bury(appender: Appender, log: Log, letter: DeadLetter, topic: str = "") -> None:
    """Append a dead letter; the caller flushes. Repeating it does no harm, as readers take each record once.

    Args: topic: another one than that of rejected events.
    """
    record = letter.record
    place = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "reason": letter.reason,
    }
    own = [(name, value) for name, value in letter.headers if name not in place]
    headers = [*own, *((name, str(value).encode()) for name, value in place.items())]
    appender.append(topic or log.topics.dead_letters, record.key, record.value, headers)


def bury_all(log: Log, rejected: pa.RecordBatch) -> None:
    """Append ``REJECTED_COLUMNS`` of the events topic; returns once the broker has acknowledged them."""
    topic, names = log.topics.events, RECORD_COLUMNS.names
    rows = rejected.to_pylist()
    bury_letters(log, [DeadLetter(Record(topic, *(row[name] for name in names)), row["reason"]) for row in rows])


def bury_letters(log: Log, letters: Sequence[DeadLetter]) -> None:
    """Append dead letters; returns once the broker has acknowledged them."""
    if not letters:
        return
    appender = log.appender()
    for letter in letters:
        bury(appender, log, letter)
    appender.flush()


def dead_letters(log: Log, newest: int | None = None) -> Iterator[DeadLetter]:
    """Yield every rejected record once, whichever layers buried it and however often, oldest burial first.

    Args: newest: look only at this many burials of each partition.
    """
    topic = log.topics.dead_letters
    start, end = log.start_offsets(topic), log.end_offsets(topic)
    if newest is not None:
        start = {partition: max(start[partition], end[partition] - newest) for partition in end}
    seen: set[tuple[str, int, int]] = set()
    for message in log.messages(topic, start, end):
        letter = _letter(message)
        record = letter.record
        identity = (record.topic, record.partition, record.offset)
        if identity not in seen:
            seen.add(identity)
            yield letter


def _letter(message: Message) -> DeadLetter:
    # The client's types allow a mapping too, but what arrives is a list of pairs.
    pairs = cast("list[tuple[str, bytes]]", message.headers() or [])
    headers = {name: value.decode() for name, value in pairs if name in OURS}
    buried = as_record(message)
    record = Record(
        headers["topic"],
        int(headers["partition"]),
        int(headers["offset"]),
        int(headers["timestamp"]),
        buried.key,
        buried.value,
    )
    return DeadLetter(record, headers["reason"])
