"""Append many records at once: a third of the work per record, for those who wait for a whole batch anyway."""

import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from adapters.log.appender import DELIVERY_SECONDS, producer_settings
from adapters.log.client import TIMEOUT_SECONDS, as_ours
from schemas.errors import LogUnavailable, MillraceError

MOST_QUEUED = 100_000  # records; the producer's own limit is above it, so that it never refuses one between two others
LINGER_MS = 20


class BulkAppender:
    """A producer for one thread; records keep their order for each key, across failures too.

    After an error nothing is known of the records since the last ``flush``: begin again with a new appender.
    """

    def __init__(self, bootstrap: str, partitioner: str, options: Mapping[str, str]) -> None:
        self._bootstrap = bootstrap
        self._failure: MillraceError | None = None
        self._producer = Producer(
            {
                **producer_settings(bootstrap, partitioner, options, LINGER_MS),
                "queue.buffering.max.messages": 4 * MOST_QUEUED,
                "delivery.report.only.error": True,
                "on_delivery": self._failed,
            }
        )

    def append(self, topic: str, records: list[dict[str, Any]]) -> None:
        """Send records, each with ``key`` and ``value``; waits while too many are under way.

        Raises: as ``flush``.
        """
        deadline = time.monotonic() + DELIVERY_SECONDS + TIMEOUT_SECONDS
        while len(self._producer) and len(self._producer) + len(records) > MOST_QUEUED:
            self._producer.poll(0.05)
            self._raise_failure()
            if time.monotonic() > deadline:
                raise LogUnavailable(f"the log at {self._bootstrap} takes no more records")
        try:
            queued = self._producer.produce_batch(topic, records)
            self._producer.poll(0)
        except (BufferError, KafkaException) as error:
            raise LogUnavailable(f"the log at {self._bootstrap} takes no more records: {error}") from error
        if queued < len(records):
            refused = next(record["_error"] for record in records if "_error" in record)
            raise as_ours(refused, self._bootstrap)

    def flush(self) -> None:
        """Wait until the broker has acknowledged every record.

        Raises: the error of the first record that failed, a LogUnavailable unless the log refused it.
        """
        unanswered = self._producer.flush(DELIVERY_SECONDS + TIMEOUT_SECONDS)
        self._raise_failure()
        if unanswered:
            raise LogUnavailable(f"the log at {self._bootstrap} did not acknowledge {unanswered:,} records in time")

    def discard(self) -> None:
        """Give up the records that are not sent yet."""
        self._producer.purge()
        self._producer.poll(0)

    def _failed(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and self._failure is None:
            self._failure = as_ours(error, self._bootstrap)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
