"""What clients post, judged as if it lay in the log already: keyed by its user and stamped now.

An entry's bytes stay as they came. Where it names no event_id or event_time, one is written at its end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa

from core.events.acceptance import event_of
from core.events.parse import REQUIRED, Scanned, events_of
from core.json.strict_json import decode
from core.partitions.partitioner import partition_of, partitions_of
from schemas.event import MAX_VALUE_BYTES, Record, Rejected
from schemas.rules import Rules

GIVEN = ("event_id", "event_time")  # what the server gives where the client does not
FEW = 16  # entries that are judged sooner one by one


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event, and the bytes that go to the log."""

    user_id: str
    event_id: str
    value: bytes


@dataclass(frozen=True)
class Judge:
    """``now_ms``: the wall clock, epoch ms, also the records' coming Kafka timestamp. ``new_id``: a unique id."""

    rules: Rules
    now_ms: int
    new_id: Callable[[], str]

    def judged(self, entries: Sequence[bytes]) -> list[Accepted | Rejected]:
        """Return what becomes of each entry. Raises Malformed for one that is no JSON."""
        return self.one_by_one(entries) if len(entries) < FEW else self.together(entries)

    def one_by_one(self, entries: Sequence[bytes]) -> list[Accepted | Rejected]:
        """Judge by the readable rules alone: the slow twin of ``together``."""
        return [self._judged(entry) for entry in entries]

    def together(self, entries: Sequence[bytes]) -> list[Accepted | Rejected]:
        """Judge plain entries as columns, in compiled code, and all others one by one."""
        values = list(entries)
        scanned = Scanned.of(pa.array(values, pa.binary()), [name for name in REQUIRED if name not in GIVEN])
        no_id, no_time = (scanned.lacks(name) for name in GIVEN)
        if (lacking := no_id | no_time).any():
            for place in np.flatnonzero(lacking).tolist():
                row = int(scanned.rows[place])
                values[row] = _with(values[row], self._given(bool(no_id[place]), bool(no_time[place])))
            scanned = Scanned.of(pa.array(values, pa.binary()))
        accepted = self._accepted(scanned, values)
        return [accepted[row] if row in accepted else self._judged(entry) for row, entry in enumerate(entries)]

    def _accepted(self, scanned: Scanned, values: Sequence[bytes]) -> dict[int, Accepted]:
        """Return the events among the plain rows, by row."""
        keys, many = scanned.column("user_id").cast(pa.binary()), len(scanned.rows)
        partition = partitions_of(keys, self.rules.partitioner, self.rules.partitions)
        columns = [pa.array(partition), pa.array(np.zeros(many, np.int64)), pa.array(np.full(many, self.now_ms)), keys]
        places = pa.record_batch(columns, ["partition", "offset", "timestamp", "key"])
        events, holds = events_of(scanned, places, self.rules)
        names = (events[name].to_numpy(zero_copy_only=False)[holds].tolist() for name in ("user_id", "event_id"))
        rows = scanned.rows[holds].tolist()
        return {row: Accepted(user, event, values[row]) for row, user, event in zip(rows, *names, strict=True)}

    def _judged(self, entry: bytes) -> Accepted | Rejected:
        if len(entry) > MAX_VALUE_BYTES:
            return Rejected("oversize")
        members = decode(entry)
        if not isinstance(members, dict):
            return Rejected("malformed")
        if given := self._given(*(members.get(name) is None for name in GIVEN)):
            entry = _with(entry, given, first=not members)
            members |= given
        if len(entry) > MAX_VALUE_BYTES:
            return Rejected("oversize")
        user = members.get("user_id")
        key = user.encode() if isinstance(user, str) else b""
        partition = partition_of(key, self.rules.partitioner, self.rules.partitions)
        event = event_of(members, Record("", partition, 0, self.now_ms, key, entry), self.rules)
        return event if isinstance(event, Rejected) else Accepted(event.user_id, event.event_id, entry)

    def _given(self, no_id: bool, no_time: bool) -> dict[str, str | int]:
        given: dict[str, str | int] = {"event_id": self.new_id()} if no_id else {}
        return given | ({"event_time": self.now_ms} if no_time else {})


def _with(entry: bytes, given: dict[str, str | int], first: bool = False) -> bytes:
    """Return the object with those members at its end: of duplicate names, as of one that was null, the last counts."""
    return entry[:-1] + (b"" if first else b",") + msgspec.json.encode(given)[1:]


def load(rules: Rules) -> None:
    """Load the compiled code, which takes a first list half a second."""
    Judge(rules, 0, str).together([b"{}"])
