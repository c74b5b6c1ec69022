"""The log: Kafka's topics, where they begin and end, and the committed records in between."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, Message, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its own documentation imports them from here
    AdminClient,
    NewTopic,
    OffsetSpec,
    TopicDescription,
)

from adapters.log.appender import LINGER_MS, Appender, Delivery
from adapters.log.client import TIMEOUT_SECONDS, client_settings, translated
from adapters.log.reader import committed_chunks
from core.control.boundaries import latest
from schemas.control import LogIdentity, Offsets
from schemas.errors import LogUnavailable, SettingsError
from schemas.event import Record

_MIB = 1024 * 1024
# An event far beyond 64 KiB still gets into the log, to be rejected there; its dead letter carries headers besides.
EVENT_BYTES = 8 * _MIB
DEAD_LETTER_BYTES = 9 * _MIB
FOR_EVER = -1
_NO_LEADER_YET = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}


@dataclass(frozen=True)
class Topics:
    """The full names of the topics, which several installations on one cluster tell apart by a prefix."""

    events: str = "events"
    items: str = "items"
    users: str = "users"
    dead_letters: str = "events-dlt"
    forgotten: str = "forgotten"
    relay_dead_letters: str = "relay-dlt"

    @staticmethod
    def prefixed(prefix: str) -> "Topics":
        """Return the default names, each after ``prefix``."""
        return Topics(*(prefix + entry.default for entry in fields(Topics) if isinstance(entry.default, str)))


@dataclass(frozen=True)
class Log:
    """One Kafka cluster's topics of ours; safe for threads.

    Any method may raise ``LogUnavailable`` (no answer within 10 s), ``SettingsError`` (the cluster refuses) or
    ``NotReady`` (a topic does not exist yet).
    """

    bootstrap: str
    topics: Topics = Topics()
    options: Mapping[str, str] = field(default_factory=dict, repr=False)  # librdkafka's own; may hold secrets

    def ensure_topics(self, partitions: int, retention_ms: int = FOR_EVER) -> None:
        """Create the topics that are missing; those that exist stay as they are, whatever their settings.

        Args:
            partitions: of ``events``; the others have one, as the order of all their records counts.
            retention_ms: of ``events``; -1 keeps everything.
        """
        large = {"max.message.bytes": str(EVENT_BYTES)}
        kept = {"cleanup.policy": "delete", "retention.bytes": "-1"}
        wanted = {
            self.topics.events: (partitions, {**kept, **large, "retention.ms": str(retention_ms)}),
            self.topics.items: (1, {"cleanup.policy": "compact"}),
            self.topics.users: (1, {"cleanup.policy": "compact"}),
            self.topics.forgotten: (1, {**kept, "retention.ms": str(FOR_EVER)}),
            self.topics.dead_letters: (
                1,
                {**kept, "retention.ms": str(FOR_EVER), "max.message.bytes": str(DEAD_LETTER_BYTES)},
            ),
        }
        self._ensure(wanted)

    def ensure_relay_dead_letters(self) -> None:
        """Create the topic of records that no mapping could read, if it is missing."""
        kept = {"cleanup.policy": "delete", "retention.bytes": "-1", "retention.ms": str(FOR_EVER)}
        self._ensure({self.topics.relay_dead_letters: (1, {**kept, "max.message.bytes": str(DEAD_LETTER_BYTES)})})

    def _ensure(self, wanted: Mapping[str, tuple[int, dict[str, str]]]) -> None:
        """Create the topics that are missing, each with a number of partitions and settings."""
        with translated(self.bootstrap):
            there = self.admin.list_topics(timeout=TIMEOUT_SECONDS).topics
            missing = [
                NewTopic(name, count, config=config) for name, (count, config) in wanted.items() if name not in there
            ]
            if missing:
                self._create(missing)
                self._wait_for({topic.topic for topic in missing})

    def _create(self, topics: list[NewTopic]) -> None:
        for created in self.admin.create_topics(topics, operation_timeout=TIMEOUT_SECONDS).values():
            try:
                created.result(TIMEOUT_SECONDS)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another command was faster
                    raise

    def _wait_for(self, names: set[str]) -> None:
        """Wait until the broker knows of a new topic, which it acknowledges before that."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while names - self.admin.list_topics(timeout=TIMEOUT_SECONDS).topics.keys():
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.02)

    def identity(self) -> LogIdentity:
        """Return what makes the log of events this one."""
        described = self._described(self.topics.events)
        with translated(self.bootstrap):
            cluster = self.admin.describe_cluster(request_timeout=TIMEOUT_SECONDS).result(TIMEOUT_SECONDS + 1)
        return LogIdentity(str(cluster.cluster_id), str(described.topic_id), len(described.partitions))

    @cached_property
    def first_identity(self) -> LogIdentity:
        """``identity`` as it was when first asked for here; for those who ask again and again."""
        return self.identity()

    def start_offsets(self, topic: str | None = None) -> Offsets:
        """Return per partition the first offset that the log still holds; of ``events`` unless another is named."""
        return self._offsets(topic or self.topics.events, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def end_offsets(self, topic: str | None = None) -> Offsets:
        """Return per partition the last stable offset: everything below is there to stay and can be read."""
        return self._offsets(topic or self.topics.events, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def read(self, topic: str, start: Offsets, end: Offsets) -> Iterator[Record]:
        """Yield every committed record from ``start`` to below ``end``; in order within a partition, not between them.

        Aborted records and transaction markers in the range are passed over. ``end`` names the partitions to read.

        Raises:
            SettingsError: a part of the range is no longer, or not, in the log; names it.
        """
        for message in self.messages(topic, start, end):
            yield as_record(message)

    def messages(self, topic: str, start: Offsets, end: Offsets) -> Iterator[Message]:
        """Yield as ``read`` does, with all that Kafka's client reports about a record."""
        for chunk in self.chunks(topic, start, end):
            yield from chunk

    def chunks(self, topic: str, start: Offsets, end: Offsets) -> Iterator[list[Message]]:
        """Yield as ``messages`` does, as many together as have arrived."""
        wanted = {partition: (start[partition], stop) for partition, stop in end.items() if start[partition] < stop}
        if not wanted:
            return
        self._require(topic, wanted)
        with translated(self.bootstrap):
            yield from committed_chunks(client_settings(self.bootstrap, self.options), topic, wanted)

    def timestamp_of(self, partition: int, offset: int, topic: str | None = None) -> int | None:
        """Return Kafka's timestamp, epoch ms, of the first record at or after ``offset``; None if there is none yet."""
        topic = topic or self.topics.events
        end = self.end_offsets(topic)[partition]
        with closing(self.messages(topic, {partition: offset}, {partition: end})) as messages:  # type: ignore[type-var]
            return next((message.timestamp()[1] for message in messages), None)

    def appender(self, partitioner: str = "murmur2", linger_ms: int = LINGER_MS) -> Appender:
        """Return a producer to this log; ``partitioner`` is the setting of that name."""
        return Appender(self.bootstrap, partitioner, self.options, linger_ms)

    def positions(self, delivery: Delivery) -> Offsets:
        """Return per partition of ``events`` an offset above all records of the delivery, the least one if known."""
        ends = self.end_offsets() if delivery.unplaced else {}
        return latest(delivery.positions, {partition: ends[partition] for partition in delivery.unplaced})

    def _require(self, topic: str, wanted: Mapping[int, tuple[int, int]]) -> None:
        first, last = self.start_offsets(topic), self.end_offsets(topic)
        for partition, (start, stop) in wanted.items():
            where = f"partition {partition} of topic {topic}"
            if start < first[partition]:
                raise SettingsError(
                    f"{where} begins at offset {first[partition]}: the needed offsets {start} to "
                    f"{min(stop, first[partition]) - 1} were removed by retention and are never skipped; restore them, "
                    "or start over with another MILLRACE_HOME and a longer retention.ms"
                )
            if stop > last[partition]:
                raise SettingsError(
                    f"{where} ends at offset {last[partition]}, but {stop - 1} is needed: this is not the log that was "
                    "read before, or it lost records; name the right one in MILLRACE_KAFKA or restore it"
                )

    def _offsets(self, topic: str, spec: OffsetSpec) -> Offsets:
        with translated(self.bootstrap):
            partitions = self._described(topic).partitions
            asked = {TopicPartition(topic, partition.id): spec for partition in partitions}
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while True:
                try:
                    return self._listed(asked)
                except KafkaException as error:
                    # Those of a topic that is new, or of a broker that is just back, have no leader for a moment.
                    if error.args[0].code() not in _NO_LEADER_YET or time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)

    def _listed(self, asked: dict[TopicPartition, OffsetSpec]) -> Offsets:
        answers = self.admin.list_offsets(
            asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=TIMEOUT_SECONDS
        )
        return {partition.partition: answer.result(TIMEOUT_SECONDS + 1).offset for partition, answer in answers.items()}

    def _described(self, topic: str) -> TopicDescription:
        with translated(self.bootstrap):
            asked = TopicCollection([topic])
            described: dict[str, Any] = self.admin.describe_topics(asked, request_timeout=TIMEOUT_SECONDS)
            answer: TopicDescription = described[topic].result(TIMEOUT_SECONDS + 1)
            return answer

    @cached_property
    def admin(self) -> AdminClient:
        """Kafka's client for all that is not records; safe for threads."""
        return AdminClient(client_settings(self.bootstrap, self.options))


def as_record(message: Message) -> Record:
    """Return the record that a message holds."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise LogUnavailable("the log's client delivered a message that has no place in the log")
    return Record(topic, partition, offset, message.timestamp()[1], _bytes(message.key()), _bytes(message.value()))


def _bytes(part: str | bytes | None) -> bytes | None:
    return part.encode() if isinstance(part, str) else part
