"""Reads topics of others as a member of a consumer group; what was read is committed by hand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from adapters.log.client import TIMEOUT_SECONDS, as_ours, client_settings
from schemas.errors import LogUnavailable, SettingsError

CHUNK = 500  # records: their decoded values stay in a processor's cache while they are mapped
SESSION_MS = 10_000  # after which the partitions of a member that died go to others
Place = tuple[str, int]  # topic and partition
_FENCED = {KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID}


class Source:
    """One member of a group. A partition that the group has not read yet is read from its beginning.

    A member that died and comes back under its name continues at once, with the partitions that it had.

    Args:
        member: unique within the group; a second process with the name takes the place of the first.
        before_loss: called before partitions go to another member: commit what was read of them.
    """

    def __init__(
        self, bootstrap: str, options: Mapping[str, str], group: str, member: str, before_loss: Callable[[], None]
    ) -> None:
        self._bootstrap, self._group, self._before_loss = bootstrap, group, before_loss
        self.assigned: set[Place] | None = None  # None until the group has said so
        self.ends: dict[Place, int] = {}  # partitions that were read to their end, and the offset that comes next
        self._starts: dict[Place, int] = {}  # committed when the partition was assigned
        self._lagging: set[Place] = set()
        self._consumer = Consumer(
            {
                **client_settings(bootstrap, options),
                "group.id": group,
                "group.instance.id": f"{group}-{member}",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",  # what retention removed is named, never skipped
                "isolation.level": "read_committed",
                "session.timeout.ms": SESSION_MS,
                "fetch.wait.max.ms": 50,
                "queued.min.messages": 100_000,
            }
        )

    def subscribe(self, topics: Sequence[str]) -> None:
        """Join the group for these topics."""
        self._consumer.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def chunk(self, seconds: float) -> list[Message]:
        """Return the records that have arrived, at most ``CHUNK``, waiting that long for the first.

        Raises: SettingsError when offsets are gone or another process took this member's place; LogUnavailable.
        """
        try:
            first = self._consumer.poll(seconds)
            arrived = [] if first is None else [first, *self._consumer.consume(CHUNK - 1, 0)]
        except KafkaException as error:
            raise self._as_ours(error.args[0]) from error
        if all(message.error() is None for message in arrived):
            return arrived
        return [message for message in arrived if not self._is_notice(message)]

    def lags(self) -> dict[Place, int]:
        """Return how many records of each partition are not read yet, as far as the broker's answers said so.

        A partition that went to another member has none.
        """
        places = [TopicPartition(*place) for place in self.assigned or ()]
        lags = dict.fromkeys(self._lagging, 0)
        for place in self._consumer.position(places) if places else ():
            first, end = self._consumer.get_watermark_offsets(place, cached=True)
            start = self._starts.get((place.topic, place.partition), -1)
            at = max(place.offset if place.offset >= 0 else start, first)
            if end >= 0 and at >= 0:
                lags[(place.topic, place.partition)] = max(0, end - at)
        self._lagging |= lags.keys()
        return lags

    def commit(self, offsets: Mapping[Place, int]) -> None:
        """Commit per partition the offset that comes next; returns once the broker has it.

        Raises: LogUnavailable, also when the group gave the partitions to another member.
        """
        places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
        try:
            self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            raise self._as_ours(error.args[0]) from error

    def close(self) -> None:
        """Free the connections. The member keeps its partitions until its session ends."""
        self._consumer.close()

    def _is_notice(self, message: Message) -> bool:
        """Return whether it only says that a partition was read to its end. Raises for any other error."""
        error = message.error()
        if error is None:
            return False
        if error.code() != KafkaError._PARTITION_EOF:
            raise self._as_ours(error, message)
        self.ends[_place(message)] = message.offset() or 0
        return True

    def _as_ours(self, error: KafkaError, message: Message | None = None) -> Exception:
        where = "" if message is None or message.topic() is None else "partition {1} of {0}".format(*_place(message))
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            return SettingsError(
                f"{where or 'a partition'}: records that were not relayed yet are no longer in the topic, and are "
                f"never skipped; restore them, or name another --group than {self._group}: {error.str()}"
            )
        if error.code() in _FENCED:
            return SettingsError(
                f"another relay took this one's place in the group {self._group}: to share the work, give each process "
                "a --member of its own"
            )
        if error.code() in (KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID):
            return LogUnavailable(f"the group {self._group} gave partitions to another member ({error.str()})")
        return as_ours(error, self._bootstrap)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        known: list[Any] = consumer.committed(partitions, timeout=TIMEOUT_SECONDS) if partitions else []
        for place in known:
            place.offset = place.offset if place.offset >= 0 else OFFSET_BEGINNING
        consumer.assign(known)
        self.ends.clear()
        self._starts = {(place.topic, place.partition): place.offset for place in known}
        self.assigned = {(place.topic, place.partition) for place in known}

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._before_loss()
        self.assigned = set()

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.assigned = set()


def _place(message: Message) -> Place:
    return message.topic() or "", message.partition() or 0
