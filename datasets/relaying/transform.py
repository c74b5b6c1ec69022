"""One record of a source topic as events, counts and reasons: no log, no clock."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from datasets.decoding.decoders import Decode
from datasets.fields.acceptance import Dropped, Json, LeftOut
from datasets.mapping.engine import NOTHING, Engine
from datasets.mapping.envelopes import TOMBSTONE
from schemas.event import LATEST_AHEAD_MS, MAX_VALUE_BYTES

_ID_CHARACTERS = 96  # of an event's id, for topic and partition
_encode = msgspec.json.encode


class Incoming(NamedTuple):
    """A record as the source has it. ``origin``: where a dead letter that is relayed again stood first."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = {}
    origin: str = ""


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


class Transform:
    """Turns records into events of the contract, as key and value, in order.

    An event without an id of its own is named after the record's place and its own place in the record, so that a
    record that is relayed again gives the same ids.
    """

    def __init__(self, engine: Engine, decode: Decode) -> None:
        self._engine, self._decode = engine, decode
        self._prefixes: dict[tuple[str, int], str] = {}
        self._about = engine.needs_about or engine.needs_time
        self._is_plain, self._named = engine.is_one_event and not self._about, engine.names_events
        self.counts = Counts()

    def at(self, now_ms: int) -> None:
        """Take the wall clock: no event may be more than a day ahead of it."""
        self._engine.options = replace(self._engine.options, latest_ms=now_ms + LATEST_AHEAD_MS)

    def events(self, record: Incoming) -> tuple[list[dict[str, bytes]], Dropped | None]:
        """Return the events of a record, and what is wrong with it or with the first of its events that is none."""
        counts = self.counts
        counts.records += 1
        if record.value is None:
            counts.tombstones += 1
            return [], None
        made, wrong = list[dict[str, bytes]](), list[Dropped]()
        try:
            value = self._decode(record.value)
            if self._is_plain and type(value) is dict:
                event_id = "" if self._named else f"{record.origin or self._prefix(record)}0"
                made.append(_encoded(self._engine.event(value, value, NOTHING, event_id)))
            else:
                self._map(record, value, made, wrong)
        except LeftOut as reason:
            self._leave_out(reason)
        except Dropped as reason:
            wrong.append(reason)
        counts.events += len(made)
        if not wrong:
            return made, None
        counts.failed[str(wrong[0])] += 1
        return made, wrong[0]

    def _map(self, record: Incoming, value: Any, made: list[dict[str, bytes]], wrong: list[Dropped]) -> None:
        engine, index = self._engine, 0
        prefix = record.origin or self._prefix(record)
        for unwrapped in engine.unwrapped(value):
            about = self._about_of(record, unwrapped.time, unwrapped.op) if self._about else NOTHING
            entries = engine.entries(unwrapped.record)
            if not entries:
                self.counts.left_out[engine.no_entry] += 1
            for entry in entries:
                try:
                    event = engine.event(unwrapped.record, entry, about, f"{prefix}{index}", unwrapped.op)
                    made.append(_encoded(event))
                except LeftOut as reason:
                    self._leave_out(reason)
                except Dropped as reason:
                    wrong.append(reason)
                index += 1

    def _leave_out(self, reason: LeftOut) -> None:
        if str(reason) == TOMBSTONE:
            self.counts.tombstones += 1
        else:
            self.counts.left_out[str(reason)] += 1

    def _prefix(self, record: Incoming) -> str:
        place = (record.topic, record.partition)
        if place not in self._prefixes:
            self._prefixes[place] = id_prefix(*place)
        return f"{self._prefixes[place]}{record.offset}/"

    def _about_of(self, record: Incoming, time: Any, op: str) -> dict[str, Any]:
        known = record._asdict()
        key = record.key.decode(errors="replace") if record.key is not None else None
        headers = {f"header.{name}": value.decode(errors="replace") for name, value in record.headers.items()}
        return {**known, **headers, "key": key, "time": record.timestamp if time is None else time, "op": op}


def id_prefix(topic: str, partition: int) -> str:
    """Return the beginning of the ids of a partition's events; a long topic's name is shortened to its digest."""
    if len(topic) > _ID_CHARACTERS:
        topic = blake2b(topic.encode(), digest_size=16).hexdigest()
    return f"{topic}/{partition}/"


def _encoded(event: Json) -> dict[str, bytes]:
    try:
        value, key = _encode(event), event["user_id"].encode()
    except (UnicodeEncodeError, TypeError, ValueError) as error:
        raise Dropped("a field cannot be written as JSON", str(error)[:100]) from None
    if len(value) > MAX_VALUE_BYTES:
        raise Dropped("oversize", f"{len(value):,} bytes")
    return {"key": key, "value": value}
