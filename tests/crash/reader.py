"""Reads without pause over HTTP while things are killed; what it read is judged afterwards, answer by answer."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from adapters.machine.beside import beside
from core.control.boundaries import latest, reaches
from core.events.acceptance import parse_event
from core.fold.slow import SlowView
from core.partitions.partitioner import partition_of
from schemas.control import Offsets
from schemas.event import Event, Record
from schemas.rules import Rules
from tests.crash.parts import Part

EVERY_SECONDS = 0.25
SCALE = 1000
Content = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What was asked, the prefix that the answer names, what it lacks, and what it says."""

    kind: str
    name: str
    offsets: Offsets
    degraded: tuple[str, ...]
    content: Content

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.name} below {self.offsets}{' without ' + str(self.degraded) if self.degraded else ''}"
        )


@dataclass
class Reader:
    """Asks the serving part again and again; ``wrong`` has a sentence for each answer that should not be."""

    where: str
    serving: Part
    items: Sequence[str]
    users: Sequence[str]
    answers: list[Answer] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unanswered: Counter[str] = field(default_factory=Counter)
    generations: set[str | None] = field(default_factory=set)
    _loose: int = 0
    _seen: dict[tuple[str, ...], Offsets] = field(default_factory=dict)
    _answered_by: int | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """For the length of the block."""
        over = threading.Event()

        def read() -> None:
            with httpx.Client(base_url=f"{self.where}/api/v1", timeout=60) as client:
                while not over.wait(EVERY_SECONDS):
                    for path in self._paths(len(self.answers)):
                        self._ask(client, *path)

        with beside(read, over.set, "reader"):
            yield

    @contextmanager
    def rebuilding(self) -> Iterator[None]:
        """Lost data are being rebuilt: inside the block answers may be older, or be missing."""
        self._loose += 1
        try:
            yield
        finally:
            self._seen.clear()
            self._loose -= 1

    def _paths(self, number: int) -> list[tuple[str, str, str]]:
        item, user = self.items[number % len(self.items)], self.users[number % len(self.users)]
        return [
            ("similar", item, f"/items/{quote(item, safe='')}/similar?n=1000"),
            ("history", user, f"/users/{quote(user, safe='')}/history?n=1000"),
            ("recommend", user, f"/recommendations/{quote(user, safe='')}"),
        ]

    def _ask(self, client: httpx.Client, kind: str, name: str, path: str) -> None:
        process, loose = self.serving.process, self._loose
        if process is None:
            self.unanswered["serving was down"] += 1
            return
        try:
            answer = client.get(path)
        except httpx.TransportError as error:
            time.sleep(0.5)  # a killed process counts as running until it is waited for
            if process.pid == self._answered_by and process.poll() is None:
                self.wrong.append(f"{kind} {name}: {error!r} although serving runs")
            self.unanswered["serving was down"] += 1
            return
        self._answered_by = process.pid
        if answer.status_code != 200:
            if not (loose or self._loose):
                self.wrong.append(f"{kind} {name}: {answer.status_code} {answer.text[:300]}")
            self.unanswered[f"status {answer.status_code}"] += 1
            return
        self._note(kind, name, answer.json(), bool(loose or self._loose))

    def _note(self, kind: str, name: str, content: Content, loose: bool) -> None:
        offsets = {int(partition): offset for partition, offset in content["fresh_to"]["offsets"].items()}
        answer = Answer(kind, name, offsets, tuple(content["degraded"]), content)
        self.answers.append(answer)
        self.generations.add(content["generation"])
        if loose:
            return
        before = self._seen.get(answer.degraded, {})
        if not reaches(offsets, before):
            self.wrong.append(f"{answer} is older than an answer before it, {before}")
        self._seen[answer.degraded] = latest(before, offsets)

    def judge(self, log: Sequence[Record], rules: Rules) -> int:
        """Compare each answer with a slow recompute over the prefix that it names; returns how many were compared.

        Those without the batch view are left out: they say that they hold only what the speed view has.
        """
        chosen = [answer for answer in self.answers if answer.kind != "recommend" and "batch" not in answer.degraded]
        expected = [_Expected() for _ in chosen]
        for partition in range(rules.partitions):
            events = iter([parse_event(record, rules) for record in log if record.partition == partition])
            slow, reached = SlowView(), 0
            for number in sorted(range(len(chosen)), key=lambda at: chosen[at].offsets[partition]):
                answer = chosen[number]
                for event in _accepted(events, answer.offsets[partition] - reached):
                    slow.take(event, rules)
                reached = max(reached, answer.offsets[partition])
                expected[number].add(slow, answer, partition, rules)
        for answer, recompute in zip(chosen, expected, strict=True):
            if (given := _content(answer)) != (wanted := recompute.content(answer)):
                self.wrong.append(f"{answer}: {given} instead of {wanted}")
        return len(chosen)


@dataclass
class _Expected:
    norm: int = 0
    pairs: Counter[str] = field(default_factory=Counter)
    history: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, slow: SlowView, answer: Answer, partition: int, rules: Rules) -> None:
        """Add what one partition's events make of it."""
        if answer.kind == "similar":
            self.norm += slow.norms[answer.name]
            self.pairs.update({other: n for (one, other), n in slow.pairs.items() if one == answer.name})
        elif partition == partition_of(answer.name.encode(), rules.partitioner, rules.partitions):
            known = slow.histories.get(answer.name)
            self.history = [(item, *entry) for item, entry in known.entries.items()][::-1] if known else []

    def content(self, answer: Answer) -> object:
        return (self.norm, {o: n for o, n in self.pairs.items() if n > 0}) if answer.kind == "similar" else self.history


def _content(answer: Answer) -> object:
    rows = answer.content["items"]
    if answer.kind == "similar":
        pairs = {row["item_id"]: round(row["co_rating"] * SCALE) for row in rows}
        return round(answer.content["norm"] * SCALE), pairs
    return [(row["item_id"], round(row["rating"] * SCALE), row["last_time"]) for row in rows]


def _accepted(events: Iterator[Any], count: int) -> Iterator[Event]:
    """The accepted events among the next ``count`` records."""
    for _ in range(count):
        event = next(events)
        if isinstance(event, Event):
            yield event
