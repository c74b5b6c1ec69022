"""What is sent while things are killed: a mixed stream without end, and a memory of all that was acknowledged."""

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from confluent_kafka import Producer

from adapters.log.client import MAX_MESSAGE_BYTES, client_settings
from adapters.log.kafka_log import Log
from core.events.acceptance import parse_event
from schemas.event import Event, Record
from schemas.rules import Rules
from tests.kit.merged_views import Names
from tests.kit.mixed_stream import SHOP, mixed_stream

CHUNK_EVENTS = 1_500
PAUSE_SECONDS = 0.1
MOST_UNANSWERED = 2_000  # while the broker is away the sender waits


class Load:
    """Duplicates, late, retracted and broken records at a steady rate, from a thread; they follow from ``seed``."""

    def __init__(self, log: Log, rules: Rules, seed: int, rate: float) -> None:
        self._log, self.rules, self._rate = log, rules, rate
        self._producer = Producer(
            {**client_settings(log.bootstrap, {}), "enable.idempotence": True, "message.max.bytes": MAX_MESSAGE_BYTES}
        )
        self._chunks = (_chunk(rules, seed * 1_000 + number) for number in itertools.count())
        self._users, self._items, self._buckets = set[str](), set[str](), set[int]()
        self._stream = self._records()
        self.sent: dict[int, list[Record]] = {partition: [] for partition in range(rules.partitions)}
        self.acknowledged = 0
        self.failures: list[Any] = []
        self._over, self._held = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._send_on, name="load")

    @property
    def names(self) -> Names:
        """All that was sent so far or will be soon."""
        return Names(sorted(self._users), sorted(self._items), sorted(self._buckets))

    def send(self, count: int) -> None:
        """Send ``count`` records; they are acknowledged when this returns. Must not run beside the thread."""
        for record in itertools.islice(self._stream, count):
            self._produce(record)
        self._flush()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns once all that was sent is acknowledged."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._flush()

    def abandon(self) -> None:
        """Stop without asking what became of the last ones."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _send_on(self) -> None:
        started, sent = time.monotonic(), 0
        while not self._over.wait(PAUSE_SECONDS):
            if len(self._producer) > MOST_UNANSWERED:
                self._producer.poll(PAUSE_SECONDS)
                continue
            due = min(int((time.monotonic() - started) * self._rate) - sent, int(self._rate))
            for record in itertools.islice(self._stream, max(0, due)):
                self._produce(record)
            sent = int((time.monotonic() - started) * self._rate)  # what an outage left out is not sent in a rush
            self._producer.poll(0)

    def _produce(self, record: Record) -> None:
        self.sent[record.partition].append(record)
        self._producer.produce(
            self._log.topics.events, record.value, record.key, record.partition,
            on_delivery=self._delivered, timestamp=record.timestamp,
        )  # fmt: skip

    def _delivered(self, error: Any, _: Any) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self.failures.append(error)

    def _flush(self) -> None:
        assert self._producer.flush(120) == 0
        assert not self.failures, self.failures[:3]

    def _records(self) -> Iterator[Record]:
        chunk = self._named()
        while True:
            following = self._named()  # in time: who asks for the names now asks for these, too
            yield from chunk
            chunk = following

    def _named(self) -> list[Record]:
        records = next(self._chunks)
        judged = (parse_event(record, self.rules) for record in records)
        events = [event for event in judged if isinstance(event, Event)]
        # Replaced, not changed in place: another thread may be listing them.
        self._users = self._users | {event.user_id for event in events}
        self._items = self._items | {event.item_id for event in events}
        self._buckets = self._buckets | {event.event_time // 3_600_000 for event in events}
        return records


def _chunk(rules: Rules, seed: int) -> list[Record]:
    return mixed_stream(rules, replace(SHOP, events=CHUNK_EVENTS, seed=seed))
