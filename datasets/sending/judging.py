"""What the layers will say of lines that are sent: the log's own parsers on the first of them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from core.events.acceptance import parse_event
from core.events.catalogue import parse_item, parse_user
from core.events.strict_json import read_object
from core.events.timestamps import epoch_ms
from schemas.event import EARLIEST_EVENT_TIME_MS, Record, Rejected
from schemas.rules import Rules

SAMPLE = 1_000  # lines that are judged, and more while each was rejected
MANY = 0.01  # of the sample: beyond this it is a fault of the file, not of a line

Judge = Callable[[bytes, bytes], object]  # key, value -> a Rejected, or something else


def judge_of(topic: str, rules: Rules, now_ms: Callable[[], int]) -> Judge:
    """The parser of ``events``, ``items`` or ``users``, as if the line were appended now, to its key's partition."""
    if topic == "items":
        return parse_item
    if topic == "users":
        return parse_user
    alone = replace(rules, partitions=1)
    return lambda key, value: parse_event(Record(topic, 0, 0, now_ms(), key, value), alone)


@dataclass
class Sample:
    """What the first lines are worth. ``first``: of each reason the first line, and its number among those sent."""

    judge: Judge
    now_ms: Callable[[], int]
    judged: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def see(self, key: bytes, value: bytes) -> None:
        """Judge one more line, unless enough were and some of them count."""
        if self.judged >= SAMPLE and not self.nothing_counts:
            return
        self.judged += 1
        found = self.judge(key, value)
        if isinstance(found, Rejected):
            self.rejected[found.reason] += 1
            self.first.setdefault(found.reason, (self.judged, value))

    @property
    def nothing_counts(self) -> bool:
        """Whether every line so far will be rejected."""
        return self.rejected.total() == self.judged

    @property
    def many(self) -> bool:
        """Whether too many will be rejected to be strays."""
        return self.rejected.total() > MANY * self.judged

    def reasons(self) -> str:
        """Each reason with how often, where first, and what may be wrong."""
        return "; ".join(self._told(*each) for each in self.rejected.most_common())

    def _told(self, reason: str, count: int) -> str:
        number, line = self.first[reason]
        hint = remedy(reason, read_object(line), self.now_ms())
        return f"{reason} {count:,} (first: line {number:,}{hint and '; '}{hint})"


def remedy(reason: str, line: dict[str, Any] | Rejected, now_ms: int) -> str:
    """What may be wrong with a line that is rejected for that reason; empty when it says all."""
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
