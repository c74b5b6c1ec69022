"""Fixed courses of events for the tests of single rules, on the in-memory stores or on those given."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

import core.control.runs
from core.control.runs import named
from schemas.control import Control, Run
from serving_layer.reading.answering import answer
from tests.kit.exact.memory_log import Draft
from tests.kit.exact.processes import Crash, Fate, Process
from tests.kit.exact.reading import differences, must_be, read_all
from tests.kit.exact.speed_life import GRACE_SECONDS, SpeedLife
from tests.kit.exact.stores import Restorable, in_memory
from tests.kit.exact.world import World

ALL, HALF, NONE = (100, 100), (50, 50), (0, 0)


class WrongAnswer(AssertionError):
    """What a reader was given, or what stands in the stores, breaks a promise; the tale itself went as it should."""


@dataclass
class Story:
    """A world, the steps that can happen in it, and ``exact``, the question asked at the end."""

    world: World
    batch: Restorable
    speed: Restorable
    sent: int = 0

    @staticmethod
    @contextmanager
    def begun(batch: Restorable | None = None, speed: Restorable | None = None) -> Iterator["Story"]:
        batch, speed = batch or in_memory(), speed or in_memory()
        world = World.on(batch.store, speed.store, shape=random.Random(1))
        with world.tapped():
            yield Story(world, batch, speed)

    def send(self, count: int, users: tuple[int, ...] = (0, 1, 2, 3), kind: str = "view") -> None:
        """Send ``count`` events of these users in turn, over all items and several hours."""
        for k in range(self.sent, self.sent + count):
            self.world.log.append(Draft(user=users[k % len(users)], item=k % 5, kind=kind, hour=k))
        self.sent += count

    def life(self, to: tuple[int, int] = ALL) -> SpeedLife:
        """A new process of the speed layer that has applied so much."""
        life = self.world.live()
        life.apply(to)
        return life

    def past_a_boundary(self) -> SpeedLife:
        """A generation, and a process of the speed layer that has gone on beyond its boundary."""
        self.send(8)
        life = self.life()
        self.world.run_batch()
        self.send(8)
        life.apply(ALL)
        return life

    def crash(self, life: SpeedLife, to: tuple[int, int], calls: int) -> None:
        process = Process(lambda: life.apply(to))
        assert process.resume(Fate(calls, "crash"))
        assert isinstance(process.error, Crash), "it ended before it could crash"

    def die_uncommitted(self, life: SpeedLife, to: tuple[int, int]) -> None:
        """The process dies when all rows of its attempt are written, before it can commit."""

        class Killed(BaseException):
            pass

        def kill(step: str) -> None:
            if step == "written":
                raise Killed

        life.driver.fault = kill
        with pytest.raises(Killed):
            life.apply(to)

    def paused(self, body: Callable[[], Any], calls: int, of: str = "") -> Process:
        """A process that pauses after that many calls to a store; ``of`` counts calls of one kind alone."""
        process = Process(body)
        assert not process.resume(Fate(calls, "pause", of)), f"it ended before: {process.error!r}"
        return process

    def reader(self, calls: int) -> Process:
        """A reader of everything; call 0 reads the control record, 1 the position, 2 and on the views."""
        return self.paused(lambda: answer(self.world.views, read_all), calls)

    @staticmethod
    def finish(process: Process, *allowed: type[BaseException]) -> Any:
        assert process.resume()
        if process.error is not None and not isinstance(process.error, allowed):
            raise process.error
        return process.result

    def wait(self) -> None:
        """Longer than the grace period."""
        self.world.clock.seconds += GRACE_SECONDS + 1

    def clean_up(self, life: SpeedLife) -> None:
        """The clean-up sees what is dead, and after the grace period deletes it."""
        for _ in range(2):
            self.wait()
            life.clean_up.maybe()

    def exact(self, read: Any = None, degraded: tuple[str, ...] | None = ()) -> None:
        """Whether an answer is that of the prefix which it names; of a reader's result, or of one read now.

        ``degraded``: what it must lack; None: whatever it says.
        """
        snapshot, views = read if read is not None else answer(self.world.views, read_all)
        rules = self.world.made.get(snapshot.generation or "", self.world.rules)
        marks = self.world.gone.get(snapshot.generation or "", 0)
        wrong = differences(must_be(self.world.log, snapshot.offsets, rules, marks), views)
        if wrong:
            raise WrongAnswer("\n".join([f"below {snapshot.offsets}", *wrong]))
        self.must(degraded is None or snapshot.degraded == degraded, f"it lacks {snapshot.degraded}, not {degraded}")

    @staticmethod
    def must(holds: bool, otherwise: str) -> None:
        """What the tale promises beside exact answers; how the tale goes is asserted as ever."""
        if not holds:
            raise WrongAnswer(otherwise)


Tale = Callable[[Story], None]
Mutation = Callable[[pytest.MonkeyPatch, Story], None]


def not_listed(patch: pytest.MonkeyPatch, _: Story) -> None:
    """A run continues and publishes, whether or not the control record still lists it."""
    begun: dict[str, Run] = {}
    begin = core.control.runs.begin

    def begin_and_remember(control: Control, *given: Any) -> Control:
        changed = begin(control, *given)
        begun[changed.runs[-1].id] = replace(changed.runs[-1], done=core.control.runs.STEPS[:-1])
        return changed

    patch.setattr(core.control.runs, "begin", begin_and_remember)
    patch.setattr(core.control.runs, "require_run", lambda control, name: named(control, name) or begun[name])


def require(tale: Tale, without: Mutation, also: type[Exception] = WrongAnswer) -> None:
    """The tale holds as the product is, and gives a wrong answer when a mutation takes the rule out.

    ``also``: how else it may fail then. A failed assertion about the course of the tale is no wrong answer.
    """
    with Story.begun() as story:
        tale(story)
    with Story.begun() as story, pytest.MonkeyPatch.context() as patch:
        without(patch, story)
        with pytest.raises((WrongAnswer, also)):
            tale(story)
