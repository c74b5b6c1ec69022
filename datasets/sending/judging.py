"""What the layers will say of the lines that are sent, decided by the log's own parsers."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.events.acceptance import parse_event
from core.events.catalogue import parse_item, parse_user
from core.events.timestamps import epoch_ms
from core.json.strict_json import read_object
from schemas.event import EARLIEST_EVENT_TIME_MS, RECORD_COLUMNS, Record, Rejected
from schemas.rules import Rules

JUDGED_AT_ONCE = 1_000  # lines that are judged as they are sent; later ones in batches, which compiled code judges
BATCH_LINES, BATCH_BYTES = 4_096, 16 * 1024 * 1024
Line = tuple[bytes, bytes]  # key and value
Judge = Callable[[Sequence[Line]], Iterator[tuple[int, str]]]  # the places of the lines that are rejected, and why


def judge_of(topic: str, rules: Rules, now_ms: Callable[[], int]) -> Judge:
    """Return the judge of a topic: it takes every line as appended now, to the partition of its key."""
    if topic == "events":
        return _event_judge(replace(rules, partitions=1), now_ms)
    parse = {"items": parse_item, "users": parse_user}[topic]

    def judge(lines: Sequence[Line]) -> Iterator[tuple[int, str]]:
        for place, (key, value) in enumerate(lines):
            parsed = parse(key, value)
            if isinstance(parsed, Rejected):
                yield place, parsed.reason

    return judge


def _event_judge(rules: Rules, now_ms: Callable[[], int]) -> Judge:
    def judge(lines: Sequence[Line]) -> Iterator[tuple[int, str]]:
        now = now_ms()
        records = [Record("events", 0, place, now, key, value) for place, (key, value) in enumerate(lines)]
        if len(records) == 1:
            event = parse_event(records[0], rules)
            if isinstance(event, Rejected):
                yield 0, event.reason
        else:
            yield from _judged_by_columns(records, rules)

    return judge


def _judged_by_columns(records: Sequence[Record], rules: Rules) -> Iterator[tuple[int, str]]:
    import pyarrow as pa

    from core.events.parse import parse_columns  # loads compiled code, which a small file does not need

    columns = [pa.array([getattr(record, part.name) for record in records], part.type) for part in RECORD_COLUMNS]
    _, rejected = parse_columns(pa.record_batch(columns, schema=RECORD_COLUMNS), rules)
    yield from zip(rejected.column("offset").to_pylist(), rejected.column("reason").to_pylist(), strict=True)


@dataclass
class Judged:
    """What the layers will reject. ``first`` has the first line of each reason, and its number among the lines sent."""

    judge: Judge
    now_ms: Callable[[], int]
    judged: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    _waiting: list[Line] = field(default_factory=list)
    _waiting_bytes: int = 0

    def see(self, key: bytes, value: bytes) -> None:
        """Judge one more line, the early ones immediately."""
        self._waiting.append((key, value))
        self._waiting_bytes += len(value)
        is_full = len(self._waiting) == BATCH_LINES or self._waiting_bytes >= BATCH_BYTES
        if is_full or self.judged < JUDGED_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Judge the lines that wait."""
        lines, self._waiting, self._waiting_bytes = self._waiting, [], 0
        rejected = list(self.judge(lines))
        places, reasons = [self.judged + place for place, _ in rejected], [reason for _, reason in rejected]
        self.count(len(lines), (places, reasons, [lines[place][1] for place, _ in rejected]))

    def count(self, lines: int, rejected: Iterable[Sequence[Any]]) -> None:
        """Count further lines. Args: rejected: columns of those lines: number from 0, reason, and the line itself."""
        for number, reason, line in zip(*rejected, strict=True):
            self.rejected[reason] += 1
            self.first.setdefault(reason, (number + 1, line))
        self.judged += lines

    @property
    def nothing_counts(self) -> bool:
        """Whether every line so far will be rejected."""
        return self.rejected.total() == self.judged

    def reasons(self) -> str:
        """Return each reason with its count, its first line, and what may be wrong."""
        return "; ".join(self._sentence(reason, count) for reason, count in self.rejected.most_common())

    def _sentence(self, reason: str, count: int) -> str:
        number, line = self.first[reason]
        hint = remedy(reason, read_object(line), self.now_ms())
        return f"{reason} {count:,} (first: line {number:,}{hint and '; '}{hint})"


def remedy(reason: str, line: dict[str, Any] | Rejected, now_ms: int) -> str:
    """Return what may be wrong with a line that is rejected for that reason; empty when the reason suffices."""
    if isinstance(line, Rejected):
        return "" if reason == "oversize" else "not one JSON object; tables are read by `millrace import csv`"
    if reason == "invalid:event_time":
        return _about_time(line["event_time"], now_ms)
    if reason == "unknown_kind":
        return f"kind {line['kind']!r} is not among the setting kinds"
    what, _, name = reason.partition(":")
    return f"{name} is {str(line[name])[:40]!r}" if what == "invalid" and name in line else ""


def _about_time(given: object, now_ms: int) -> str:
    if isinstance(given, str) and epoch_ms(given) is None:
        wanted = "write it with a zone such as 2025-03-04T09:00:00Z, or as epoch milliseconds"
        return f"{given[:40]!r} names no time zone or is no RFC 3339 time: {wanted}"
    if isinstance(given, int | float) and not isinstance(given, bool):
        for unit, factor in (("seconds", 1_000), ("microseconds", 1e-3), ("nanoseconds", 1e-6)):
            if EARLIEST_EVENT_TIME_MS <= given * factor <= now_ms:
                return f"{given:.0f} looks like {unit}: milliseconds are expected"
    return f"{str(given)[:40]} is before 1990 or more than a day ahead"
