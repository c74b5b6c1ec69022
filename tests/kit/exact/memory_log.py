"""A log in memory whose records are bytes, as the parser gets them: offsets with gaps, rejects, duplicates."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa

from adapters.log.forgotten import Mark
from adapters.log.kafka_log import Topics
from core.control.boundaries import latest
from core.events.acceptance import parse_event
from core.fold.slow import SlowView
from core.partitions.partitioner import partition_of
from schemas.control import LogIdentity, Offsets
from schemas.event import RECORD_COLUMNS, Event, Record, Rejected
from schemas.rules import Rules

HOUR = 3_600_000
START = 1_700_000_000_000
USERS = ["u1", "u2é", "u3", "u/4%"]
ITEMS = ["i1", "i2", "i3", "i4", "ї/%"]
DEFECTS = ["malformed", "unknown_kind", "key_mismatch", "misrouted"]


@dataclass(frozen=True)
class Draft:
    """An event to send. ``again``: it repeats the id of that many events ago, a duplicate if the history knows it.

    ``gap``: offsets left out before it, as transaction markers do; ``defect``: what makes it a reject.
    """

    user: int
    item: int
    kind: str
    hour: int = 0
    again: int = 0
    category: str | None = None
    gap: int = 0
    defect: str | None = None


@dataclass
class MemoryLog:
    """The part of ``adapters.log.kafka_log.Log`` that the layers' steps are decided by, and what its records are."""

    partitions: int
    records: list[Record] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    topics: ClassVar[Topics] = Topics()
    ends: Offsets = field(init=False)
    rules: Rules = field(init=False)

    def __post_init__(self) -> None:
        self.ends = self.start_offsets()
        self.rules = Rules(partitions=self.partitions)  # what decides on acceptance never changes here
        self.on_end: Callable[[], Offsets] | None = None  # gives the events' end in its place
        self._outcomes: dict[tuple[int, int], Event | Rejected] = {}
        self._slow: dict[tuple[object, ...], SlowView] = {}

    def forget(self, user: int) -> None:
        """Mark the user as forgotten, as ``millrace forget`` does."""
        partition = partition_of(USERS[user].encode(), self.rules.partitioner, self.partitions)
        self.marks.append(Mark(USERS[user], partition, self.ends[partition]))

    def read(self, topic: str, start: Offsets, end: Offsets) -> Iterator[Record]:
        """The marks of forgotten users; no other topic is read through the log here."""
        assert (topic, start) == (self.topics.forgotten, {0: 0})
        for number, mark in enumerate(self.marks[: end[0]]):
            yield Record(topic, 0, number, START, mark.user_id.encode(), json.dumps(vars(mark)).encode())

    def identity(self) -> LogIdentity:
        return LogIdentity("cluster", "topic", self.partitions)

    def start_offsets(self) -> Offsets:
        return dict.fromkeys(range(self.partitions), 0)

    def end_offsets(self, topic: str | None = None) -> Offsets:
        if topic == self.topics.forgotten:
            return {0: len(self.marks)}
        return self.on_end() if self.on_end else dict(self.ends)

    def append(self, draft: Draft) -> None:
        user, n = USERS[draft.user], len(self.records)
        key = user.encode()
        partition = partition_of(key, self.rules.partitioner, self.partitions)
        value = {
            "event_id": f"e{max(0, n - draft.again)}",
            "event_time": START + draft.hour * HOUR // 2,
            "kind": "dance" if draft.defect == "unknown_kind" else draft.kind,
            "user_id": user + "x" * (draft.defect == "key_mismatch"),
            "item_id": ITEMS[draft.item],
            "value": 2.5 if draft.kind == "rating" else None,
            "category": draft.category,
        }
        partition = (partition + (draft.defect == "misrouted")) % self.partitions
        text = b"{" if draft.defect == "malformed" else json.dumps(value).encode()
        offset = self.ends[partition] + draft.gap
        record = Record("events", partition, offset, START + 400 * HOUR + n, key, text)
        self.records.append(record)
        self.ends[partition] = offset + 1
        self._outcomes[partition, offset] = parse_event(record, self.rules)

    def mark(self, partition: int) -> None:
        """A transaction marker: an offset without a record."""
        self.ends[partition] += 1

    def batch(self, partitions: list[int], start: Offsets, to: Offsets) -> pa.RecordBatch:
        """``RECORD_COLUMNS`` of what lies between, in the order of the log."""
        rows = [
            {name: getattr(record, name) for name in RECORD_COLUMNS.names}
            for record in self.records
            if record.partition in partitions and start[record.partition] <= record.offset < to[record.partition]
        ]
        return pa.RecordBatch.from_pylist(rows, RECORD_COLUMNS)

    def accepted(self, end: Offsets, marks: int = 0) -> list[Event]:
        """The accepted events below ``end``, with that many marks of forgotten users in effect."""
        return [outcome for outcome in self._below(end, marks) if isinstance(outcome, Event)]

    def rejected(self, end: Offsets, start: Offsets | None = None, marks: int = 0) -> dict[str, int]:
        """Count of the rejected from ``start`` to below ``end`` by reason."""
        counts: dict[str, int] = {}
        before = set() if start is None else {id(outcome) for outcome in self._below(start, 0)}
        for outcome in self._below(end, marks):
            if isinstance(outcome, Rejected) and id(outcome) not in before:
                counts[outcome.reason] = counts.get(outcome.reason, 0) + 1
        return counts

    def slow(self, end: Offsets, rules: Rules, marks: int = 0) -> SlowView:
        """The slow twin of everything below ``end``."""
        key = (len(self.records), rules.fingerprint(), marks, *sorted(end.items()))
        if key not in self._slow:
            view = SlowView()
            for event in self.accepted(end, marks):
                view.take(event, rules)
            self._slow = {key: view, **dict(list(self._slow.items())[:8])}
        return self._slow[key]

    def cut(self, start: Offsets, shares: tuple[int, ...]) -> Offsets:
        """Per partition, the offset that many hundredths of the way from ``start`` to the end."""
        ahead = latest(start, self.ends)
        return {p: start[p] + (ahead[p] - start[p]) * share // 100 for p, share in zip(ahead, shares, strict=True)}

    def _below(self, end: Offsets, marks: int) -> list[Event | Rejected]:
        gone = {(mark.user_id.encode(), mark.partition): mark.offset for mark in self.marks[:marks]}
        below = [record for record in self.records if record.offset < end[record.partition]]
        counted = [record for record in below if record.offset >= gone.get((record.key or b"", record.partition), 0)]
        return [self._outcomes[record.partition, record.offset] for record in counted]
