"""What is asked of an installation after every step: is each answer that of the log prefix which it names?"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant

from core.control.boundaries import reaches
from core.control.changes import is_of
from schemas.control import Offsets
from schemas.errors import BadInput, NotReady, SettingsError, StoreUnavailable
from serving_layer.proof.compare import compare
from serving_layer.proof.histories import Prefix
from serving_layer.proof.merged_rows import MergedRows
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import BATCH
from speed_layer.steps.rows import Displaced
from tests.kit.exact.followed import SMALL_BYTES, Followed
from tests.kit.exact.processes import Crash, Fate, Process
from tests.kit.exact.reading import differences, must_be, read_all
from tests.kit.exact.speed_life import GRACE_SECONDS, SpeedLife
from tests.kit.exact.stores import Restorable
from tests.kit.exact.world import World

MOST_WAITING = 4


class Judged(RuleBasedStateMachine):
    """A subclass says on which stores; ``speed`` can be lost and set back, ``batch`` is only written.

    ``waiting`` are processes that stand still; ``last`` is what an answer may not go back behind.
    """

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
        self.followed = [self.world.followed(), self.world.followed(SMALL_BYTES)]
        self.epoch = 0
        self.epochs: dict[int, str] = {}
        self.lost = False  # whether the control record ever was

    def _resume(self, process: Process, fate: Fate | None) -> None:
        if len(self.waiting) == MOST_WAITING and fate is not None and fate.what == "pause":
            fate = None
        ended = process.resume(fate)
        self._note_epoch()
        if ended:
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

    def _may_go_back(self) -> None:
        self.last = None
        for process in self.followed:
            process.may_go_back()

    def _note_epoch(self) -> None:
        if (control := self.world.recorded) is not None:
            self.epochs[control.epoch] = control.fingerprint

    def _allow(self, process: Process, *errors: type[BaseException]) -> None:
        if process.error is None or isinstance(process.error, errors):
            return
        if not (self.lost and "the control record is gone" in str(process.error)):
            raise process.error

    @invariant()
    def every_answer_is_exact(self) -> None:
        control = self.world.recorded
        if control is None:
            self._answers_without_control_record()
            return
        self._note_epoch()
        try:
            snapshot, views = answer(self.world.views, read_all)
        except NotReady:
            assert control.active is None
            assert self.world.position is None or not is_of(self.world.position, control)
            return
        self._require_exact(snapshot, views)
        if self.last is not None and control.epoch == self.epoch:
            assert reaches(snapshot.offsets, self.last), f"went back from {self.last} to {snapshot.offsets}"
        self.last, self.epoch = snapshot.offsets, control.epoch

    @invariant()
    def every_answer_from_memory_is_exact(self) -> None:
        """Of processes that have not looked for a while as well as of those that just did."""
        if self.world.recorded is None:
            return
        for process in self.followed:
            if not process.looking and self.world.shape.random() < 0.5:
                process.look()
            self._ask(process)

    def _ask(self, process: Followed) -> None:
        try:
            snapshot, views = process.read()
        except NotReady:
            return
        self._require_exact(snapshot, views)
        process.require_forward(snapshot)

    def _answers_without_control_record(self) -> None:
        try:
            snapshot, _ = answer(self.world.views, read_all)
        except NotReady:
            assert self.world.position is None
        else:
            assert BATCH in snapshot.degraded

    def _require_exact(self, snapshot: Snapshot, views: dict[str, Any]) -> None:
        if BATCH in snapshot.degraded:
            return  # says itself that the generation's part is missing
        made = self.world.made.get(snapshot.generation or "")
        rules = made or self.world.rules_of(self.epochs[snapshot.epoch or 0])
        marks = self.world.gone.get(snapshot.generation or "", 0)
        wrong = differences(must_be(self.world.log, snapshot.offsets, rules, marks), views)
        assert not wrong, "\n".join([f"below {snapshot.offsets}, generation {snapshot.generation}", *wrong])

    def teardown(self) -> None:
        """Whatever happened: a new process applies all of the log, a run publishes all of it, and verify agrees."""
        try:
            for process in self.waiting:
                process.kill()
            self.world.late_calls_arrive()
            if (control := self.world.recorded) is not None:
                rules = self.world.rules_of(control.fingerprint)
                self.world.settings = self.world.settings.changed(history_items=rules.history_items)
            if self.world.log.marks and (control is None or control.active is None):
                self._last(self.world.run_batch)  # a first generation forgets, and the speed layer begins a new epoch
            for body in (lambda: self.world.live().apply((100, 100)), self.world.run_batch):
                self._last(body)
                self._all_is_applied()
        finally:
            self.tap.__exit__(None, None, None)

    def _last(self, body: Callable[[], Any]) -> None:
        last = Process(body, "the last")
        assert last.resume()
        self._allow(last)

    def _all_is_applied(self) -> None:
        world, end = self.world, self.world.log.end_offsets()
        snapshot, views = answer(world.views, read_all)
        assert (snapshot.offsets, snapshot.degraded) == (end, ())
        self._note_epoch()
        self._require_exact(snapshot, views)
        merged = MergedRows(world.batch, world.speed, world.control, world.position, snapshot.segments)
        slow = world.log.slow(end, world.rules, world.control.forgotten)
        slow.rejected = Counter(world.log.rejected(end, marks=world.control.forgotten))
        report = compare(Prefix(world.rules, end, slow), merged) if slow.events else None
        assert report is None or report.proved, report
