"""Everything that may happen to an installation, in any order, and after each step: is every answer exact?"""

import random
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from adapters.records import change_control
from core.boundaries import reaches
from core.control import rollback
from schemas.control import Offsets
from schemas.errors import BadInput, NotReady, SettingsError, StoreUnavailable
from serving_layer.snapshot import Snapshot
from serving_layer.verify import MergedRows, compare
from serving_layer.views import BATCH, answer
from speed_layer.rows import Displaced
from tests.exact.memory_log import DEFECTS, ITEMS, USERS, Draft
from tests.exact.processes import Crash, Fate, Process
from tests.exact.reading import differences, must_be, read_all
from tests.exact.stores import Restorable
from tests.exact.world import GRACE_SECONDS, SpeedLife, World

KINDS = ["view", "view", "like", "purchase", "rating", "remove", "impression"]
drafts = st.builds(
    Draft,
    user=st.integers(0, len(USERS) - 1),
    item=st.integers(0, len(ITEMS) - 1),
    kind=st.sampled_from(KINDS),
    hour=st.integers(0, 120),
    again=st.sampled_from([0, 0, 0, 1, 2, 5]),
    category=st.sampled_from([None, "", "a", "b"]),
    gap=st.sampled_from([0, 0, 0, 2]),
    defect=st.sampled_from([None] * 8 + DEFECTS),
)
shares = st.tuples(*[st.sampled_from([100, 100, 50, 0])] * 2)
ENDS = ["pause", "pause", "crash", "torn", "refused", "unknown", "late"]
fates = st.none() | st.builds(Fate, st.integers(0, 45), st.sampled_from(ENDS))
pauses = st.builds(Fate, st.integers(0, 45), st.just("pause"))
MOST_WAITING = 4
RARE = ["time passes", "time passes", "late calls arrive", "verify", "roll back", "roll back", "release"]
RARE += ["image", "restore", "restore", "lose", "other rules"]


class Installation(RuleBasedStateMachine):
    """A subclass says on which stores; ``speed`` can be lost and set back, ``batch`` is only written."""

    batch: Restorable
    speed: Restorable

    def __init__(self) -> None:
        super().__init__()
        self.world = World.on(self.batch.store, self.speed.store)
        self.tap = self.world.tapped()
        self.tap.__enter__()
        self.lives: list[SpeedLife] = []
        self.waiting: list[Process] = []
        self.busy: dict[Process, SpeedLife] = {}
        self.begun: dict[Process, float] = {}
        self.image: Any = None
        self.last: Offsets | None = None
        self.epoch = 0
        self.epochs: dict[int, str] = {}

    @initialize(seed=st.integers(0, 1_000), some=st.lists(drafts, max_size=8), ran=st.sampled_from([True, True, False]))
    def begin(self, seed: int, some: list[Draft], ran: bool) -> None:
        """Where most lives begin: something was applied; or nothing ran yet."""
        self.world.shape = random.Random(seed)
        self.world.record_boundary()
        self.produce(some, None)
        if ran:
            self._micro_batch((100, 50), None, False)

    @rule(some=st.lists(drafts, min_size=1, max_size=4), marked=st.sampled_from([None, None, None, 0, 1]))
    def produce(self, some: list[Draft], marked: int | None) -> None:
        for draft in some:
            self.world.log.append(draft)
        if marked is not None:
            self.world.log.mark(marked)

    @rule(to=shares, fate=fates, again=st.sampled_from([False, False, True]))
    def micro_batch(self, to: tuple[int, ...], fate: Fate | None, again: bool) -> None:
        """Of the newest process, or of a new one when that hangs or ``again``."""
        self._micro_batch(to, fate, again)

    @rule(to=shares, fate=fates)
    def another_micro_batch(self, to: tuple[int, ...], fate: Fate | None) -> None:
        """The same, so that it comes more often."""
        self._micro_batch(to, fate, False)

    def _micro_batch(self, to: tuple[int, ...], fate: Fate | None, again: bool) -> None:
        idle = [life for life in self.lives[-1:] if life not in self.busy.values()]
        if again or not idle:
            self.lives.append(self.world.live())
        self._speed(self.lives[-1], to, fate)

    @precondition(lambda self: len(self.lives) > 1)
    @rule(to=shares, fate=fates, which=st.integers(0, 3))
    def micro_batch_of_an_older_process(self, to: tuple[int, ...], fate: Fate | None, which: int) -> None:
        idle = [life for life in self.lives[:-1] if life not in self.busy.values()]
        if idle:
            self._speed(idle[which % len(idle)], to, fate)

    def _speed(self, life: SpeedLife, to: tuple[int, ...], fate: Fate | None) -> None:
        process = Process(lambda: life.apply(to), life.owner)
        self.busy[process] = life
        self._resume(process, fate)

    @rule(fate=fates, activate=st.sampled_from([None, None, True]))
    def batch_run(self, fate: Fate | None, activate: bool | None) -> None:
        self._resume(Process(lambda: self.world.run_batch(activate=activate), "batch"), fate)

    @rule(fate=fates | pauses)
    def reader(self, fate: Fate | None) -> None:
        process = Process(lambda: answer(self.world.views, read_all), "reader")
        self.begun[process] = self.world.clock.seconds
        self._resume(process, fate)

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, MOST_WAITING), fate=fates)
    def go_on(self, which: int, fate: Fate | None) -> None:
        self._resume(self.waiting.pop(which % len(self.waiting)), fate)

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, MOST_WAITING))
    def kill(self, which: int) -> None:
        process = self.waiting.pop(which % len(self.waiting))
        process.kill()
        self._ended(process)

    def _resume(self, process: Process, fate: Fate | None) -> None:
        if len(self.waiting) == MOST_WAITING and fate is not None and fate.what == "pause":
            fate = None
        if process.resume(fate):
            self._ended(process)
        else:
            self.waiting.append(process)

    def _ended(self, process: Process) -> None:
        """Look at what became of it; a process of the speed layer that failed is gone, as in production."""
        life, began = self.busy.pop(process, None), self.begun.pop(process, None)
        if life is not None and process.error is not None:
            self.lives.remove(life)
        if life is not None:
            self._allow(process, Crash, Displaced, StoreUnavailable, SettingsError)
        elif began is None:
            self._allow(process, Crash, StoreUnavailable, SettingsError, BadInput)
        else:
            self._allow(process, Crash, NotReady)
            if process.result is not None and self.world.clock.seconds - began < GRACE_SECONDS:
                self._require_exact(*process.result)

    @staticmethod
    def _allow(process: Process, *errors: type[BaseException]) -> None:
        if process.error is not None and not isinstance(process.error, errors):
            raise process.error

    @rule(what=st.sampled_from(RARE), which=st.integers(0, 3), fate=fates)
    def rare(self, what: str, which: int, fate: Fate | None) -> None:
        """What happens seldom, in one rule so that it does."""
        match what:
            case "roll back":
                self._roll_back(which)
            case "release":
                change_control(self.world.batch, lambda each: replace(each, held=False))
            case "time passes":
                self.world.clock.seconds += (11, GRACE_SECONDS + 1)[which % 2]
            case "late calls arrive":
                self.world.speed.later.arrive()
            case "verify":
                self.world.record_boundary()
            case "other rules":
                self.world.settings = replace(self.world.settings, history_items=which + 1)
                self._resume(Process(lambda: self.world.run_batch(full=True), "full batch"), fate)
            case "lose":
                self.speed.restore(None)
                self.last = None
            case "image":
                self.image = self.speed.image()
            case "restore" if self.image is not None:
                self.speed.restore(self.image)
                self.last = None

    def _roll_back(self, which: int) -> None:
        control = self.world.control
        names = [None, *(each.id for each in control.generations)]
        try:
            change_control(self.world.batch, lambda each: rollback(each, names[which % len(names)]))
        except BadInput:
            return
        self.last = None  # documented: an older generation answers

    @invariant()
    def every_answer_is_exact(self) -> None:
        control = self.world.control
        self.epochs[control.epoch] = control.fingerprint
        try:
            snapshot, found = answer(self.world.views, read_all)
        except NotReady:
            assert control.active is None
            assert self.world.position is None or self.world.position.epoch != control.epoch
            return
        self._require_exact(snapshot, found)
        if self.last is not None and control.epoch == self.epoch:
            assert reaches(snapshot.offsets, self.last), f"went back from {self.last} to {snapshot.offsets}"
        self.last, self.epoch = snapshot.offsets, control.epoch

    def _require_exact(self, snapshot: Snapshot, found: dict[str, Any]) -> None:
        if BATCH in snapshot.degraded:
            return  # says itself that the generation's part is missing
        made = self.world.made.get(snapshot.generation or "")
        rules = made or self.world.rules_of(self.epochs[snapshot.epoch or 0])
        wrong = differences(must_be(self.world.log, snapshot.offsets, rules), found)
        assert not wrong, "\n".join([f"below {snapshot.offsets}, generation {snapshot.generation}", *wrong])

    def teardown(self) -> None:
        """Whatever happened: a new process applies all of the log, a run publishes all of it, and verify agrees."""
        try:
            for process in self.waiting:
                process.kill()
            self.world.speed.later.arrive()
            self.world.settings = replace(
                self.world.settings, history_items=self.world.rules_of(self.world.control.fingerprint).history_items
            )
            self.world.live().apply((100, 100))
            self._all_is_applied()
            self.world.run_batch()
            self._all_is_applied()
        finally:
            self.tap.__exit__(None, None, None)

    def _all_is_applied(self) -> None:
        world, end = self.world, self.world.log.end_offsets()
        snapshot, found = answer(world.views, read_all)
        assert (snapshot.offsets, snapshot.degraded) == (end, ())
        self.epochs[world.control.epoch] = world.control.fingerprint
        self._require_exact(snapshot, found)
        merged = MergedRows(world.batch, world.speed, world.control, world.position, snapshot.segments)
        slow = world.log.slow(end, world.rules)
        report = compare(slow, merged) if slow.counts else None
        assert report is None or report.mismatches == 0, report
