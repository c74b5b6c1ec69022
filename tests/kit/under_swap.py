"""An installation that publishes and drops generations under readers, and the judge of what they were answered."""

import math
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import speed_layer.clean_up as clean_up
from adapters.records.books import CONTROL, SPEED, generation_book
from adapters.records.control import change_control
from adapters.settings import Settings
from adapters.stores import open_store
from batch_layer.runs.lifecycle import Runs
from core.control.boundaries import reaches
from core.control.changes import drop, rollback
from core.fold.slow import SlowView
from recommenders.als.model import artefact
from schemas.control import Control, Offsets
from schemas.event import REMOVE, Event
from schemas.rules import Rules
from serving_layer.answers.lookups import similar
from serving_layer.answers.recommend import Wish, recommend
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from tests.kit.exact.stores import MemoryStore
from tests.kit.folding import Rows
from tests.kit.slow_lookups import rounded, slow_similar
from tests.kit.small_lambda import SmallLambda, placed
from tests.kit.streams import HOUR, START

RULES = Rules(history_items=5, remembered_ids=8, partitions=2)
READERS, GENERATIONS = 8, 14
EVENTS_PER_GENERATION, MICRO_BATCHES_PER_GENERATION = 40, 2
PACE_SECONDS = 0.15  # between micro-batches: a busy speed layer's
GRACE_SECONDS = 2  # an answer that took longer may have lost what it read
USERS = [f"u{number}" for number in range(24)]
ITEMS = [f"i{number}" for number in range(20)]


def crowd() -> list[Event]:
    """Users rate, rate again and retract items; some events come twice."""
    rng = random.Random(5)
    events: list[Event] = []
    for k in range((GENERATIONS + 2) * EVENTS_PER_GENERATION):
        again = rng.random() < 0.1 and k >= len(ITEMS)
        user, item = rng.choice(USERS), ITEMS[k] if k < len(ITEMS) else rng.choice(ITEMS)
        weight = rng.choice([REMOVE, 0, 1000, 1000, 2000, 5000]) if k >= len(ITEMS) else 1000
        when = START + rng.randrange(60) * HOUR
        event = Event(0, 0, START + 60 * HOUR, f"e{k}", when, "any", user, item, None, weight, rng.choice("ab"))
        events.append(rng.choice(events[-20:]) if again else event)
    return placed(events, RULES)


def model(number: int) -> Rows:
    """Factors that differ from those of any other number, so that a mixture shows."""
    factors = np.random.default_rng(number).normal(size=(len(ITEMS), 4)).astype(np.float32)
    names = sorted(item.encode() for item in ITEMS)
    facts = {"alpha": 10.0, "regularization": 0.05, "weighted": False}
    return {("als", key): row for key, row in artefact(names, factors, facts).rows()}


@dataclass
class Said:
    """What a reader got: the answer about a user or an item, and after how many seconds."""

    about: str
    seconds: float
    answer: dict[str, Any]

    @property
    def offsets(self) -> Offsets:
        return {int(partition): offset for partition, offset in self.answer["fresh_to"]["offsets"].items()}


def lookup(snapshot: Snapshot, about: str) -> dict[str, Any]:
    if about in USERS:
        return recommend(snapshot, about.encode(), Wish(Page(n=10)))
    return similar(snapshot, about.encode(), Page(n=10))


@dataclass
class Installation:
    """Both layers on real stores, and the clean-up that the product's own parts do."""

    world: SmallLambda
    cleaner: clean_up.CleanUp = field(init=False)
    made: list[str] = field(default_factory=list)  # generations, oldest first
    served: list[int] = field(default_factory=list)  # which of them was active, one after the other

    def __post_init__(self) -> None:
        speed_layer = SimpleNamespace(batch_views=self.world.batch, speed_views=self.world.speed, owner="test")
        self.cleaner = clean_up.CleanUp(speed_layer, GRACE_SECONDS)  # type: ignore[arg-type]

    def publish(self, count: int) -> None:
        """As a batch run does: delete what was marked, publish what ends there or where the speed layer is, mark."""
        Runs(self.world.batch, Settings.of(grace=f"{GRACE_SECONDS}s"), lambda _: None).clean_up()
        self._reread()
        self.made.append(self.world.run_batch(count, model(len(self.made))).id)
        self.served.append(len(self.made) - 1)
        now = time.time_ns() // 1_000_000
        change_control(self.world.batch, lambda control: drop(control, now))
        self._reread()
        self.cleaner.maybe()

    def roll_back(self) -> None:
        """As the command does: to the generation before; the next one that is published ends it."""
        change_control(self.world.batch, lambda control: rollback(control, control.predecessor))
        self._reread()
        self.served.append(len(self.made) - 2)
        assert (self.world.control.active, self.world.control.held) == (self.made[-2], True)

    def _reread(self) -> None:
        self.world.control = Control.from_json(self.world.batch.record(CONTROL) or b"")

    def live(self) -> None:
        """Fourteen generations, every other one ahead of the speed layer; each fourth is rolled back from."""
        for number in range(1, GENERATIONS + 1):
            for part in range(1, MICRO_BATCHES_PER_GENERATION + 1):
                done = number * EVENTS_PER_GENERATION + part * EVENTS_PER_GENERATION // MICRO_BATCHES_PER_GENERATION
                self.world.run_speed(done)
                time.sleep(PACE_SECONDS)
            self.publish(done + (number % 2) * EVENTS_PER_GENERATION // 2)
            if number % 4 == 2:
                time.sleep(PACE_SECONDS)
                self.roll_back()


@contextmanager
def installed(batch_url: str, speed_url: str, patch: pytest.MonkeyPatch) -> Iterator[Installation]:
    with closing(open_store(batch_url, timeout_ms=10_000)) as batch, closing(open_store(speed_url)) as speed:
        patch.setattr(clean_up, "LOOK_EVERY_SECONDS", 0.0)
        installation = Installation(SmallLambda(batch, speed, RULES, crowd()))
        installation.world.begin()
        installation.world.run_speed(EVENTS_PER_GENERATION)
        installation.publish(EVENTS_PER_GENERATION)
        yield installation


def judge(installation: Installation, readers: list[list[Said]]) -> None:
    """Every answer is whole, equals the recompute of what it names, and none goes back behind the one before.

    A reader sees the generations in the order in which they were active, rollbacks included.
    """
    prefixes = cache(lambda number, prefix: recompute(installation.world, number, dict(prefix)))
    expected = cache(lambda about, *where: must_be(about, *prefixes(*where)))
    for answers in readers:
        turn, offsets = 0, {0: 0, 1: 0}
        for said in answers:
            assert said.answer["degraded"] == []
            assert reaches(said.offsets, offsets), f"went back from {offsets} to {said.offsets}"
            number, offsets = installation.made.index(said.answer["generation"]), said.offsets
            assert number in installation.served[turn:], f"after {installation.served[: turn + 1]} it named {number}"
            turn = installation.served.index(number, turn)
            if said.seconds < GRACE_SECONDS:
                must = expected(said.about, number, tuple(sorted(offsets.items())))
                assert equal(comparable(said.answer), must), f"got {said.answer}, must be {must}"


def recompute(world: SmallLambda, number: int, offsets: Offsets) -> tuple[Views, SlowView]:
    """All of that prefix folded at once, beside that generation's model; and the slow twin."""
    at_once, twin = SmallLambda(MemoryStore(), MemoryStore(), RULES, world.below(offsets)), SlowView()
    at_once.begin()
    at_once.run_batch(len(at_once.log), model(number))
    for event in at_once.log:
        twin.take(event, RULES)
    return Views(at_once.batch, at_once.speed), twin


def must_be(about: str, views: Views, twin: SlowView) -> dict[str, Any]:
    """The answer at once; where the slow twin has a word on it, they must agree."""
    body = answer(views, lambda snapshot: lookup(snapshot, about))
    assert body["fresh_to"]["event_time"] == twin.as_of
    if about in ITEMS:
        rows = [(row["item_id"], rounded(row["score"]), row["co_rating"], row["norm"]) for row in body["items"]]
        norm, neighbours = slow_similar(twin, about)
        assert (body["norm"], rows) == (norm, neighbours[:10])
    return comparable(body)


def comparable(body: dict[str, Any]) -> dict[str, Any]:
    """Without the names of generation and segment."""
    same = {name: value for name, value in body.items() if name not in ("generation", "segment", "fresh_to")}
    return {**same, "event_time": body["fresh_to"]["event_time"]}


def equal(one: Any, other: Any) -> bool:
    """Floats may differ in their last digits: they are added up in the order in which a store gives its rows."""
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=0, abs_tol=1e-9)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def old_ones_are_gone(installation: Installation) -> None:
    batch, speed, control = installation.world.batch, installation.world.speed, installation.world.control
    gone = [name for name in installation.made if not batch.spaces(generation_book(name))]
    assert installation.made[0] in gone
    assert len(gone) > 3
    assert control.boundaries[0].id > 3
    assert min(int(space.split("/")[2]) for space in speed.spaces(SPEED) if space.count("/") == 2) > 3
