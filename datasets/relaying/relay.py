"""The relay's loop: read, transform, append, wait for the acknowledgements, commit; then the next records."""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise, repeat
from operator import add, ge
from typing import Protocol

from datasets.fields.acceptance import Dropped
from datasets.relaying.counting import count_relayed, show_lags
from datasets.relaying.transform import Counts, Message, Transform
from schemas.errors import LogUnavailable, MillraceError

COMMIT_SECONDS = 1.0  # how long acknowledged records wait for their commit at most
MOST_UNCOMMITTED = 100_000  # events
WAIT_SECONDS = 0.2  # for records, before it is looked whether to stop
AGAIN_SECONDS = 1.0  # before a log that could not be reached is tried again
SAID_EVERY_SECONDS = 5.0
LAGS_EVERY_SECONDS = 1.0
Place = tuple[str, int]  # topic and partition


class Reading(Protocol):
    """The source topics; ``adapters.log.source.Source`` has what each member does."""

    assigned: set[Place] | None
    ends: dict[Place, int]

    def subscribe(self, topics: Sequence[str]) -> None: ...
    def chunk(self, seconds: float) -> Sequence[Message]: ...
    def lags(self) -> Mapping[Place, int]: ...
    def commit(self, offsets: Mapping[Place, int]) -> None: ...
    def close(self) -> None: ...


class Writing(Protocol):
    """Where events and dead letters go. After an error nothing is known of what was not flushed."""

    def append(self, events: list[dict[str, bytes]]) -> None: ...
    def bury(self, record: Message, reason: str) -> None: ...
    def flush(self) -> None: ...
    def discard(self) -> None: ...


@dataclass(frozen=True)
class Plan:
    """What to relay: ``until``: the offsets at which to end, None: never; ``most_per_user``: events before a commit."""

    topics: Sequence[str]
    until: Mapping[Place, int] | None
    most_per_user: int


@dataclass
class Relay:
    """Relays until it is stopped. What was appended and not committed when it dies is appended again, with equal ids.

    The fold takes such repeats for duplicates while they are among the user's last D ids. So nobody gets more than
    ``most_per_user`` events between two commits (a single record with more is the exception).
    """

    open_source: Callable[[Callable[[], None]], Reading]
    open_target: Callable[[], Writing]
    transform: Transform
    plan: Plan
    say: Callable[[str], None]
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    stopping: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End after the records that are being relayed."""
        self.stopping.set()

    def run(self) -> Counts:
        """Relay; a log that is away is tried again from the committed offsets. Returns what was counted."""
        spoken = Spoken(self.say)
        while not self.stopping.is_set():
            try:
                with self._opened() as window:
                    self._read(window, spoken)
                    break
            except LogUnavailable as error:
                self.say(f"{error}; continues from the committed offsets as soon as it answers")
                self.stopping.wait(AGAIN_SECONDS)
        return self.transform.counts

    @contextmanager
    def _opened(self) -> "Iterator[_Window]":
        target = self.open_target()
        window = _Window(target, self.transform, self.plan.most_per_user)
        source = self.open_source(window.settle_quietly)
        window.source = source
        try:
            source.subscribe(self.plan.topics)
            yield window
        except BaseException:
            window.give_up()
            raise
        finally:
            source.close()

    def _read(self, window: "_Window", spoken: "Spoken") -> None:
        """Relay what comes, until the end that was asked for is reached."""
        lags_due = 0.0
        while not self.stopping.is_set():
            messages = window.source.chunk(WAIT_SECONDS)
            if messages:
                self.transform.at(self.now_ms())
                window.take(messages)
            if window.is_due(time.monotonic()):
                window.settle()
            spoken.maybe(self.transform.counts)
            if time.monotonic() >= lags_due:
                show_lags(window.source.lags())
                lags_due = time.monotonic() + LAGS_EVERY_SECONDS
            if self._reached_the_end(window):
                break
        window.settle()
        show_lags(window.source.lags())

    def _reached_the_end(self, window: "_Window") -> bool:
        until, source = self.plan.until, window.source
        if until is None or source.assigned is None:
            return False
        reached = (max(source.ends.get(place, 0), window.at.get(place, 0)) for place in source.assigned)
        return all(map(ge, reached, (until.get(place, 0) for place in source.assigned)))


class _Window:
    """What was relayed since the last commit."""

    source: Reading

    def __init__(self, target: Writing, transform: Transform, most_per_user: int) -> None:
        self._target, self._transform, self._most = target, transform, most_per_user
        self.at: dict[Place, int] = {}  # what comes next, also after a commit
        self._next: dict[Place, int] = {}
        self._batch: list[dict[str, bytes]] = []
        self._per_user = Counter[bytes]()
        self._events, self._since = 0, time.monotonic()

    def take(self, records: Sequence[Message]) -> None:
        """Transform and append records, in their order, with commits between them where a user has many events."""
        made, count = self._transform.events(records), len(records)
        count_relayed(records, made)
        for place, reason in made.wrong.items():
            self._target.bury(records[place], reason_of(reason))
        users = [user.encode() for user in made.users]
        events = [{"key": user, "value": text} for user, text in zip(users, made.texts, strict=True)]
        is_whole = self._fits(users)
        for first, end in [(0, count)] if is_whole else pairwise(range(count + 1)):
            part = slice(bisect_left(made.owners, first), bisect_left(made.owners, end))
            if self._next and not is_whole and not self._fits(users[part]):
                self.settle()
            self._per_user.update(users[part])
            self._batch += events[part]
            self._next |= {(record.topic(), record.partition()): record.offset() + 1 for record in records[first:end]}
        self.at |= self._next
        self._send()

    def _fits(self, users: Sequence[bytes]) -> bool:
        """Return whether nobody gets more events before the next commit than may be uncommitted."""
        fresh = Counter(users)
        return max(map(add, map(self._per_user.get, fresh, repeat(0)), fresh.values()), default=0) <= self._most

    def is_due(self, now: float) -> bool:
        """Return whether a commit is due."""
        return bool(self._next) and (now - self._since >= COMMIT_SECONDS or self._events >= MOST_UNCOMMITTED)

    def settle(self) -> None:
        """Wait until all is acknowledged, then commit."""
        self._send()
        self._target.flush()
        if self._next:
            self.source.commit(self._next)
        self.at |= self._next
        self._begin()

    def settle_quietly(self) -> None:
        """Settle before partitions go to others; if that fails, those read the records again."""
        if not self._next:
            return
        try:
            self.settle()
        except MillraceError:  # also met by the loop, which reports it
            self._begin()

    def give_up(self) -> None:
        """Forget what was not acknowledged: it will be read again."""
        self._begin()
        self._target.discard()

    def _begin(self) -> None:
        self._next.clear()
        self._per_user.clear()
        self._batch, self._events, self._since = [], 0, time.monotonic()

    def _send(self) -> None:
        if self._batch:
            self._target.append(self._batch)
            self._events += len(self._batch)
            self._batch = []


class Spoken:
    """Reports about every five seconds while anything is relayed, as the speed layer does."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._since, self._records = say, time.monotonic(), 0

    def maybe(self, counts: Counts) -> None:
        """Report if it is time, and something was relayed since the last time."""
        passed = time.monotonic() - self._since
        if passed >= SAID_EVERY_SECONDS and counts.records > self._records:
            rate = (counts.records - self._records) / passed
            self._say(f"{sentence(counts)} ({rate:,.0f} records/s)")
            self._since, self._records = time.monotonic(), counts.records


def sentence(counts: Counts) -> str:
    """Return what became of the records."""
    parts = [f"relayed {counts.events:,} events of {counts.records:,} records"]
    parts += [f"{counts.tombstones:,} tombstones"] if counts.tombstones else []
    for what, reasons in (("left out", counts.left_out), ("dead letters", counts.failed)):
        if reasons:
            listed = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common(5))
            parts.append(f"{reasons.total():,} {what}: {listed}")
    return "; ".join(parts)


def reason_of(wrong: Dropped) -> str:
    """Return the reason of a dead letter with what shows it."""
    return f"{wrong}: {wrong.example!r}" if wrong.example else str(wrong)
