"""Sends letters for ``rejected replay``: their bytes, to the topic they came from, keyed by the id in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from adapters.log.appender import Appender
from adapters.log.dead_letters import DeadLetter
from adapters.log.kafka_log import Log, Topics
from adapters.records.books import REPLAYED
from adapters.stores.port import ViewStore
from core.events.catalogue import parse_item, parse_user
from datasets.sending.lines import KEY_FIELDS, key_reader
from schemas.event import Record, Rejected


@dataclass
class Replayed:
    """The number of letters by outcome; ``superseded``: a newer catalogue record describes the same id."""

    sent: int = 0
    before: int = 0
    superseded: int = 0


@dataclass(frozen=True)
class Replayer:
    """Sends letters of one log; ``store`` remembers which were sent."""

    log: Log
    store: ViewStore
    appender: Appender

    def send(self, letters: Iterable[DeadLetter]) -> Replayed:
        """Append each letter that was not sent before; one of the catalogue only if no record is newer."""
        done = Replayed()
        described: dict[str, list[DeadLetter]] = {"items": [], "users": []}
        for letter in letters:
            name = short_name(self.log.topics, letter.record.topic)
            if self.store.read(REPLAYED, "places", [_place(letter)]):
                done.before += 1
            elif name in described:
                described[name].append(letter)
            else:
                self._send(letter, name, done)
        for name, letters_of_topic in described.items():
            newest = Newest.of(self.log, name, letters_of_topic)
            for letter in letters_of_topic:
                if newest.supersedes(letter.record, id_in(letter, name)):
                    done.superseded += 1
                else:
                    self._send(letter, name, done)
        return done

    def _send(self, letter: DeadLetter, name: str, done: Replayed) -> None:
        topic: str = getattr(self.log.topics, name)
        self.appender.append_all(topic, [(id_in(letter, name), letter.record.value)])
        self.store.put(REPLAYED, {("places", _place(letter)): letter.reason.encode()})
        done.sent += 1


@dataclass
class Newest:
    """Offset and timestamp of the catalogue's newest records for the keys of letters, by key and partition."""

    places: dict[bytes, dict[int, tuple[int, int]]] = field(default_factory=dict)

    @staticmethod
    def of(log: Log, name: str, letters: Sequence[DeadLetter]) -> "Newest":
        """Return the newest records that the topic now holds, for letters of that topic."""
        topic: str = getattr(log.topics, name)
        newest, parse = Newest(), parse_item if name == "items" else parse_user
        if not letters:
            return newest
        wanted = {id_in(letter, name) for letter in letters}
        for record in log.read(topic, log.start_offsets(topic), log.end_offsets(topic)):
            if record.key in wanted and not isinstance(parse(record.key, record.value), Rejected):
                newest.places.setdefault(record.key or b"", {})[record.partition] = record.offset, record.timestamp
        return newest

    def supersedes(self, record: Record, key: bytes) -> bool:
        """Return whether an accepted record of that key came after this one; between partitions timestamps decide."""
        return any(
            offset > record.offset if partition == record.partition else timestamp > record.timestamp
            for partition, (offset, timestamp) in self.places.get(key, {}).items()
        )


def short_name(topics: Topics, topic: str) -> str:
    """Return ``items`` or ``users``, whatever their prefix; ``events`` for all others."""
    return {topics.items: "items", topics.users: "users"}.get(topic, "events")


def id_in(letter: DeadLetter, name: str) -> bytes:
    """Return the key that the value requires; empty if it cannot be read."""
    return _KEY_OF[name](letter.record.value or b"")


def _place(letter: DeadLetter) -> bytes:
    return f"{letter.record.topic}/{letter.record.partition}/{letter.record.offset}".encode()


_KEY_OF = {name: key_reader(field) for name, field in KEY_FIELDS.items()}
