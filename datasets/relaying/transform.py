"""Records of source topics as events, counts and reasons: no log, no clock."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from datasets.decoding.decoders import Decode
from datasets.fields.acceptance import Dropped, LeftOut
from datasets.files.tally import MAX_REASONS, OTHER_REASONS
from datasets.mapping.batches import Flat, Names, flattened
from datasets.mapping.by_columns import ByColumns
from datasets.mapping.engine import Engine
from datasets.mapping.envelopes import TOMBSTONE, Unwrapped
from schemas.event import LATEST_AHEAD_MS

_ID_CHARACTERS = 96  # of an event's id, for topic and partition


class Message(Protocol):
    """A record as Kafka's client delivers it."""

    def topic(self) -> Any: ...
    def partition(self) -> Any: ...
    def offset(self) -> Any: ...
    def timestamp(self) -> tuple[int, int]: ...
    def key(self) -> Any: ...
    def value(self) -> Any: ...
    def headers(self) -> Any: ...


@dataclass
class Counts:
    """What became of records. ``left_out`` and ``failed`` are by reason, of events or of whole records."""

    records: int = 0
    events: int = 0
    tombstones: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    @property
    def dead_letters(self) -> int:
        return self.failed.total()


class Transformed(NamedTuple):
    """What records became: each event's user and JSON, and the place of its record, in order.

    ``wrong``: by the place of a record, what is wrong with it or with the first of its events that is none.
    ``left_out``: what makes no event on purpose.
    """

    users: Sequence[str]
    texts: Sequence[bytes]
    owners: Sequence[int]
    wrong: dict[int, Dropped]
    left_out: int


class Transform:
    """Turns records into events of the contract, in their order.

    An event without an id of its own is named after the record's place and its own place in the record, so that a
    record that is relayed again gives the same ids.
    """

    def __init__(self, engine: Engine, decode: Decode) -> None:
        self._engine, self._decode, self._by_columns = engine, decode, ByColumns(engine)
        self.counts = Counts()

    def at(self, now_ms: int) -> None:
        """Take the wall clock: no event may be more than a day ahead of it."""
        self._engine.options = replace(self._engine.options, latest_ms=now_ms + LATEST_AHEAD_MS)

    def events(self, records: Sequence[Message]) -> Transformed:
        """Return the events of records, and count them."""
        counts, wrong = self.counts, dict[int, Dropped]()
        before = counts.tombstones + counts.left_out.total()
        values, places = self._decoded([record.value() for record in records], wrong)
        counts.records += len(records)
        flat = self._flat(values, records if len(places) == len(records) else [records[place] for place in places])
        made = self._by_columns.made(flat.batch)
        owners = [places[owner] for owner in flat.owners] if len(places) < len(records) else flat.owners
        failures = [(places[owner], reason) for owner, reason in flat.failures]
        self._judge([*failures, *((owners[place], reason) for place, reason in made.dropped)], wrong)
        counts.events += len(made.texts)
        for reason in wrong.values():
            _add(counts.failed, str(reason))
        if len(made.places) < len(owners):
            owners = [owners[place] for place in made.places]
        left_out = counts.tombstones + counts.left_out.total() - before
        return Transformed(made.users, made.texts, owners, wrong, left_out)

    def _flat(self, values: Sequence[Any], records: Sequence[Message]) -> Flat:
        prefixes = [] if self._engine.names_events else [_place_of(record) for record in records]
        first = [f"{prefix}0" for prefix in prefixes] or [""] * len(records)

        def later(place: int, index: int) -> str:
            return f"{prefixes[place]}{index}" if prefixes else ""

        def about(place: int, unwrapped: Unwrapped) -> dict[str, Any]:
            return _about(records[place], unwrapped)

        return flattened(self._engine, values, Names(first, later), about if self._engine.needs_about else None)

    def _decoded(self, values: list[bytes | None], wrong: dict[int, Dropped]) -> tuple[list[Any], Sequence[int]]:
        """Return the decoded values and their places; tombstones are counted, and what is unreadable is wrong."""
        decode = self._decode
        try:
            if None not in values:
                return [decode(value) for value in values], range(len(values))  # type: ignore[arg-type]
        except Dropped:
            pass  # one of them cannot be read
        decoded, places = list[Any](), list[int]()
        for place, value in enumerate(values):
            try:
                if value is None:
                    raise LeftOut(TOMBSTONE)
                decoded.append(decode(value))
                places.append(place)
            except Dropped as reason:
                self._judge([(place, reason)], wrong)
        return decoded, places

    def _judge(self, failures: Sequence[tuple[int, Dropped]], wrong: dict[int, Dropped]) -> None:
        """Count what was left out; note what is wrong, the first of each record."""
        for place, reason in failures:
            if not isinstance(reason, LeftOut):
                wrong.setdefault(place, reason)
            elif str(reason) == TOMBSTONE:
                self.counts.tombstones += 1
            else:
                _add(self.counts.left_out, str(reason))


def _add(counts: Counter[str], reason: str) -> None:
    """Count a reason; those of records have words in them, and an unlimited number must not fill the memory."""
    counts[reason if reason in counts or len(counts) < MAX_REASONS else OTHER_REASONS] += 1


def _place_of(record: Message) -> str:
    """Return the beginning of the ids of a record's events; a dead letter is named by the place that it came from."""
    topic, partition, offset = record.topic(), record.partition(), record.offset()
    headers = dict(record.headers() or ())
    if {"reason", "topic", "partition", "offset"} <= headers.keys():
        with suppress(ValueError, AttributeError, TypeError):  # headers of others, which may be empty
            topic, partition, offset = headers["topic"].decode(), int(headers["partition"]), int(headers["offset"])
    return f"{id_prefix(topic, partition)}{offset}/"


@lru_cache(10_000)
def id_prefix(topic: str, partition: int) -> str:
    """Return the beginning of the ids of a partition's events; a long topic's name is shortened to its digest."""
    if len(topic) > _ID_CHARACTERS:
        topic = blake2b(topic.encode(), digest_size=16).hexdigest()
    return f"{topic}/{partition}/"


def _about(record: Message, unwrapped: Unwrapped) -> dict[str, Any]:
    """Return what is known of a record besides its value."""
    timestamp, key, headers = record.timestamp()[1], record.key(), record.headers() or ()
    named = {f"header.{name}": _text(value) for name, value in headers}
    time = timestamp if unwrapped.time is None else unwrapped.time
    return {
        **named, "topic": record.topic(), "partition": record.partition(), "offset": record.offset(),
        "timestamp": timestamp, "key": _text(key), "time": time, "op": unwrapped.op,
    }  # fmt: skip


def _text(value: Any) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
