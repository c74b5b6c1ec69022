"""Append to the log: idempotent, in order for each key, and counted until the broker has acknowledged."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from adapters.log.client import MAX_MESSAGE_BYTES, TIMEOUT_SECONDS, as_ours, client_settings
from schemas.errors import LogUnavailable, MillraceError, SettingsError

DELIVERY_SECONDS = 30.0  # a record not acknowledged by then has failed
# Keyless records go to any partition; they have no user whose order could be lost.
PARTITIONERS = {"murmur2": "murmur2_random", "crc32": "consistent_random"}

OnDelivery = Callable[[MillraceError | None], None]


@dataclass
class Delivered:
    """What became of records: how many were acknowledged, and the first failure of the others."""

    acknowledged: int = 0
    failed: int = 0
    first_failure: MillraceError | None = None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, failure: MillraceError | None) -> None:
        """Note one record's end."""
        with self.lock:
            if failure is None:
                self.acknowledged += 1
            else:
                self.failed += 1
                self.first_failure = self.first_failure or failure

    def raise_failures(self, unanswered: int) -> None:
        """Raise what failed first, with how many were not acknowledged; nothing when all were."""
        lost = self.failed + unanswered
        if not lost:
            return
        reason = self.first_failure or LogUnavailable(f"no acknowledgement within {DELIVERY_SECONDS:g} s")
        raise type(reason)(f"{lost:,} of {lost + self.acknowledged:,} records were not acknowledged: {reason}")


class Appender:
    """A producer; safe for threads. Records carry the wall clock as timestamp, whatever the events' times."""

    def __init__(self, bootstrap: str, partitioner: str = "murmur2", options: Mapping[str, str] | None = None) -> None:
        if partitioner not in PARTITIONERS:
            raise SettingsError(f"setting 'partitioner' must be one of {', '.join(PARTITIONERS)}, not {partitioner!r}")
        self._bootstrap = bootstrap
        self._delivered = Delivered()
        self._producer = Producer(
            {
                **client_settings(bootstrap, options or {}),
                "enable.idempotence": True,
                "acks": "all",
                "partitioner": PARTITIONERS[partitioner],
                "linger.ms": 5,
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
            }
        )

    @property
    def acknowledged(self) -> int:
        """Records that the broker has acknowledged since the start."""
        return self._delivered.acknowledged

    def append(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes]] = (),
        on_delivery: OnDelivery | None = None,
    ) -> None:
        """Send one record; waits while the local queue is full. ``flush`` tells whether all arrived.

        Args:
            on_delivery: called once, with None when acknowledged; on whichever thread appends or flushes then.
        Raises: BadInput when no topic takes a record this large.
        """

        def ended(error: KafkaError | None, _: Message) -> None:
            failure = None if error is None else as_ours(error, self._bootstrap)
            self._delivered.count(failure)
            if on_delivery is not None:
                on_delivery(failure)

        arguments: dict[str, Any] = {"key": key, "value": value, "on_delivery": ended, "headers": list(headers)}
        while True:
            try:
                self._producer.produce(topic, **arguments)
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as error:
                raise as_ours(error.args[0], self._bootstrap) from error

    def append_all(self, topic: str, records: Iterable[tuple[bytes | None, bytes | None]]) -> int:
        """Send (key, value) pairs and wait until the broker has acknowledged each; returns their number.

        For callers that share the appender: it waits for these records only.

        Raises: as ``flush``, about these records.
        """
        delivered, sent = Delivered(), 0
        for key, value in records:
            self.append(topic, key, value, on_delivery=delivered.count)
            sent += 1
        deadline = time.monotonic() + DELIVERY_SECONDS + TIMEOUT_SECONDS
        while (ended := delivered.acknowledged + delivered.failed) < sent and time.monotonic() < deadline:
            self._producer.poll(0.01)
        delivered.raise_failures(sent - ended)
        return sent

    def flush(self) -> None:
        """Wait until every record so far has been acknowledged or has failed.

        Raises: the first failure's error, a LogUnavailable unless the log refused it; says how many there were.
        """
        unanswered = self._producer.flush(DELIVERY_SECONDS + TIMEOUT_SECONDS)
        delivered, self._delivered = self._delivered, Delivered(self._delivered.acknowledged)
        delivered.raise_failures(unanswered)
