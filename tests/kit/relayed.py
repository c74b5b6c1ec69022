"""A relay over topics in memory: what it reads, appends and commits, with a place to die at."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from datasets.decoding.decoders import decoder_of
from datasets.fields.acceptance import Dropped, ImportOptions
from datasets.files.tally import Tally
from datasets.mapping.document import parsed
from datasets.mapping.engine import Engine, adopted
from datasets.relaying.relay import Plan, Relay
from datasets.relaying.transform import Transform

NOW = 1_760_000_000_000


class Died(BaseException):
    """The process is killed here."""


def transform_of(document: dict[str, Any], registry: Any = None) -> Transform:
    mapping = parsed(document, "m")
    engine = Engine(mapping, adopted(ImportOptions(), mapping), Tally(), flat=mapping.format == "csv")
    made = Transform(engine, decoder_of(mapping, registry))
    made.at(NOW)
    return made


@dataclass
class Message:
    """As Kafka's client delivers it."""

    body: bytes | None
    place: int = 0
    part: int = 0
    name: bytes | None = None
    beside: dict[str, bytes] = field(default_factory=dict)
    source: str = "orders"

    def topic(self) -> str:
        return self.source

    def partition(self) -> int:
        return self.part

    def offset(self) -> int:
        return self.place

    def timestamp(self) -> tuple[int, int]:
        return 1, NOW

    def key(self) -> bytes | None:
        return self.name

    def value(self) -> bytes | None:
        return self.body

    def headers(self) -> list[tuple[str, bytes]] | None:
        return list(self.beside.items()) or None


def record(value: bytes | None, offset: int = 0, **more: Any) -> Message:
    return Message(value, offset, **more)


def relayed(transform: Transform, value: bytes | None, **more: Any) -> tuple[list[dict[str, Any]], Dropped | None]:
    """The events of one record, and what is wrong with it."""
    made = transform.events([record(value, **more)])
    return [msgspec.json.decode(text) for text in made.texts], made.wrong.get(0)


@dataclass
class World:
    """What outlives a relay: the source's records, what is committed of them, the events and the dead letters."""

    records: Sequence[Message]
    chunk: int = 3
    committed: dict[tuple[str, int], int] = field(default_factory=dict)
    events: list[dict[str, bytes]] = field(default_factory=list)
    letters: list[tuple[Message, str]] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)  # how many events were there
    step: int = 0
    die_at: int = 0  # the step that is the last; 0: none

    def reached(self) -> None:
        self.step += 1
        if self.step == self.die_at:
            raise Died

    def relay(self, transform: Transform, most_per_user: int = 32) -> Relay:
        ends = {("orders", 0): len(self.records)}
        plan = Plan(["orders"], ends, most_per_user)
        return Relay(lambda lost: _Source(self), lambda: _Target(self), transform, plan, lambda _: None, lambda: NOW,
                     threading.Event())  # fmt: skip


class _Source:
    def __init__(self, world: World) -> None:
        self._world = world
        self.assigned: set[tuple[str, int]] | None = {("orders", 0)}
        self.ends: dict[tuple[str, int], int] = {}
        self._at = world.committed.get(("orders", 0), 0)

    def subscribe(self, topics: Sequence[str]) -> None:
        assert topics == ["orders"]

    def chunk(self, seconds: float) -> list[Any]:
        self._world.reached()
        there = self._world.records[self._at : self._at + self._world.chunk]
        self._at += len(there)
        if not there:
            self.ends[("orders", 0)] = self._at
        return list(there)

    def lags(self) -> dict[tuple[str, int], int]:
        return {("orders", 0): len(self._world.records) - self._at}

    def commit(self, offsets: Any) -> None:
        self._world.reached()
        self._world.committed |= offsets
        self._world.commits.append(len(self._world.events))

    def close(self) -> None:
        pass


class _Target:
    def __init__(self, world: World) -> None:
        self._world = world

    def append(self, events: list[dict[str, bytes]]) -> None:
        for event in events:
            self._world.reached()
            self._world.events.append(event)

    def bury(self, record: Message, reason: str) -> None:
        self._world.reached()
        self._world.letters.append((record, reason))

    def flush(self) -> None:
        self._world.reached()

    def discard(self) -> None:
        pass


def until_done(world: World, transform: Callable[[], Transform], most_per_user: int = 32) -> None:
    """Relay, dying where the world says so, and again after that, to the end."""
    try:
        world.relay(transform(), most_per_user).run()
    except Died:
        world.die_at = 0
        world.relay(transform(), most_per_user).run()
