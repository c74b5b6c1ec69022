"""Append to the log: idempotent, in order for each key, and counted until the broker has acknowledged."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from adapters.log.client import MAX_MESSAGE_BYTES, TIMEOUT_SECONDS, as_ours, client_settings
from adapters.tracing.active import sending
from schemas.errors import LogUnavailable, MillraceError, SettingsError

FULL_SECONDS = 0.01  # before a record that found the local queue full is tried again
POLL_SECONDS = 0.5  # how often the thread that reports acknowledgements looks whether it may end
LINGER_MS = 5  # how long a record waits for others to share its request
DELIVERY_SECONDS = 30.0  # a record not acknowledged by then has failed
# Keyless records go to any partition; they have no user whose order could be lost.
PARTITIONERS = {"murmur2": "murmur2_random", "crc32": "consistent_random"}

OnDelivery = Callable[[MillraceError | None], None]
Ended = Callable[[KafkaError | None, Message], None]


@dataclass
class Delivery:
    """What became of a group of records, counted as they end; safe for threads.

    ``positions``: per partition the offset after the last acknowledged one. ``unplaced``: partitions of records that
    the broker acknowledged without saying where, as it does after a retry. ``failure``: the first one.
    """

    acknowledged: int = 0
    failed: int = 0
    failure: MillraceError | None = None
    positions: dict[int, int] = field(default_factory=dict)
    unplaced: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, failure: MillraceError | None, message: Message | None = None) -> None:
        """Note the end of one record."""
        with self.lock:
            if failure is not None:
                self.failed += 1
                self.failure = self.failure or failure
                return
            self.acknowledged += 1
            if message is None:
                return
            partition, offset = message.partition() or 0, message.offset()
            if offset is None or offset < 0:
                self.unplaced.add(partition)
            else:
                self.positions[partition] = max(self.positions.get(partition, 0), offset + 1)

    @property
    def ended(self) -> int:
        """How many records were acknowledged or failed."""
        return self.acknowledged + self.failed

    def raise_failures(self, unanswered: int) -> None:
        """Raise what failed first, with how many were not acknowledged; nothing when all were."""
        lost = self.failed + unanswered
        if not lost:
            return
        reason = self.failure or LogUnavailable(f"no acknowledgement within {DELIVERY_SECONDS:g} s")
        raise type(reason)(f"{lost:,} of {lost + self.acknowledged:,} records were not acknowledged: {reason}")


def producer_settings(
    bootstrap: str, partitioner: str, options: Mapping[str, str], linger_ms: int = LINGER_MS
) -> dict[str, str | int | float | bool]:
    """Return the settings of every producer: idempotent, in order for each key, to the partition that the key has.

    Raises: SettingsError for an unknown partitioner.
    """
    if partitioner not in PARTITIONERS:
        raise SettingsError(f"setting 'partitioner' must be one of {', '.join(PARTITIONERS)}, not {partitioner!r}")
    return {
        **client_settings(bootstrap, options),
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": PARTITIONERS[partitioner],
        "linger.ms": linger_ms,
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
    }


class Appender:
    """A producer; safe for threads. Records carry the wall clock as timestamp, whatever the events' times.

    Args: linger_ms: how long a record waits for others to share its request; 0 where somebody waits for each record.
    """

    def __init__(
        self, bootstrap: str, partitioner: str = "murmur2", options: Mapping[str, str] | None = None,
        linger_ms: int = LINGER_MS,
    ) -> None:  # fmt: skip
        settings = producer_settings(bootstrap, partitioner, options or {}, linger_ms)
        self._bootstrap = bootstrap
        self._delivery = Delivery()
        self._closed, self._starting = threading.Event(), threading.Lock()
        self._reporter: threading.Thread | None = None
        self._producer = Producer(settings)

    @property
    def acknowledged(self) -> int:
        """Records that the broker has acknowledged since the start."""
        return self._delivery.acknowledged

    def append(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes | None]] = (),
        on_delivery: OnDelivery | None = None,
    ) -> None:
        """Send one record; waits while the local queue is full. ``flush`` waits until all arrived.

        Args:
            on_delivery: called once, with None when acknowledged; on whichever thread appends or flushes then.
        Raises: BadInput when no topic takes a record this large.
        """

        def ended(error: KafkaError | None, message: Message) -> None:
            failure = None if error is None else as_ours(error, self._bootstrap)
            self._delivery.count(failure)
            if on_delivery is not None:
                on_delivery(failure)

        while not self._queued(topic, key, value, ended, list(headers)):
            self._producer.poll(0.1)

    def append_all(self, topic: str, records: Iterable[tuple[bytes | None, bytes | None]]) -> Delivery:
        """Send (key, value) pairs and wait until the broker has acknowledged each.

        For callers that share the appender: it waits for these records only.

        Raises: as ``flush``, about these records.
        """
        delivery, sent = Delivery(), 0
        with sending(topic) as headers:
            for key, value in records:
                while not self._queued(topic, key, value, self._counting(delivery), headers):
                    self._producer.poll(0.1)
                sent += 1
            deadline = time.monotonic() + DELIVERY_SECONDS + TIMEOUT_SECONDS
            while delivery.ended < sent and time.monotonic() < deadline:
                self._producer.poll(0.01)
            delivery.raise_failures(sent - delivery.ended)
        return delivery

    async def deliver(self, topic: str, records: Sequence[tuple[bytes | None, bytes | None]]) -> Delivery:
        """Do as ``append_all`` for a caller on an event loop; one thread awaits the acknowledgements of all callers."""
        self._report()
        loop, everything = asyncio.get_running_loop(), asyncio.Event()
        delivery = Delivery()
        count = self._counting(delivery)

        def ended(error: KafkaError | None, message: Message) -> None:
            count(error, message)
            if delivery.ended == len(records):
                loop.call_soon_threadsafe(everything.set)

        with sending(topic) as headers:
            for key, value in records:
                while not self._queued(topic, key, value, ended, headers):
                    await asyncio.sleep(FULL_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(DELIVERY_SECONDS + TIMEOUT_SECONDS):
                    await everything.wait()
            delivery.raise_failures(len(records) - delivery.ended)
        return delivery

    def close(self) -> None:
        """Free the thread of ``deliver`` once no record is under way; for callers that ``deliver``."""
        self._closed.set()

    def _report(self) -> None:
        """Have a thread report acknowledgements as they come."""
        with self._starting:
            if self._reporter is None:
                self._reporter = threading.Thread(target=self._report_all, name="acknowledgements", daemon=True)
                self._reporter.start()

    def _report_all(self) -> None:
        while not self._closed.is_set() or len(self._producer):
            self._producer.poll(POLL_SECONDS)

    def flush(self) -> None:
        """Wait until every record so far has been acknowledged or has failed.

        Raises: the first failure's error, a LogUnavailable unless the log refused it; says how many there were.
        """
        unanswered = self._producer.flush(DELIVERY_SECONDS + TIMEOUT_SECONDS)
        delivery, self._delivery = self._delivery, Delivery(self._delivery.acknowledged)
        delivery.raise_failures(unanswered)

    def _counting(self, delivery: Delivery) -> Ended:
        def ended(error: KafkaError | None, message: Message) -> None:
            failure = None if error is None else as_ours(error, self._bootstrap)
            self._delivery.count(failure)
            delivery.count(failure, message)

        return ended

    def _queued(self, topic: str, key: bytes | None, value: bytes | None, ended: Ended, headers: Any = None) -> bool:
        """Queue one record; False while the local queue is full."""
        try:
            self._producer.produce(topic, key=key, value=value, on_delivery=ended, headers=headers or [])
            self._producer.poll(0)
        except BufferError:
            return False
        except KafkaException as error:
            raise as_ours(error.args[0], self._bootstrap) from error
        return True
