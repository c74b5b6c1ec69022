"""Everything that may happen to an installation, in any order, and after each step: is every answer exact?"""

import random
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from adapters.records.control import change_control
from core.control.changes import rollback
from schemas.errors import BadInput
from serving_layer.reading.answering import answer
from serving_layer.reading.follower import MOST_AGE_SECONDS
from tests.kit.exact.judged import MOST_WAITING, Judged
from tests.kit.exact.memory_log import DEFECTS, ITEMS, USERS, Draft
from tests.kit.exact.processes import Fate, Process
from tests.kit.exact.reading import read_all
from tests.kit.exact.speed_life import GRACE_SECONDS, SpeedLife

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


def fate(what: st.SearchStrategy[str]) -> st.SearchStrategy[Fate]:
    """At any call, or at one of those few that decide."""
    deciding = st.builds(Fate, st.integers(0, 3), what, st.sampled_from(["swap", "swap", "record", "put", "read"]))
    return deciding | deciding | st.builds(Fate, st.integers(0, 45), what)


pauses = fate(st.just("pause"))
FIRST = st.tuples(st.sampled_from(["micro-batch", "batch run", "reader"]), pauses)
FIRST |= st.tuples(st.just("reader"), st.builds(Fate, st.integers(0, 2), st.just("pause"), st.just("record")))
fates = st.none() | fate(st.sampled_from(ENDS))
STEPS = ["send and apply", "send and apply", "apply", "batch run", "batch run", "verify", "a few calls"]
STEPS += ["fail over", "restore", "restore", "replace generations", "time passes"]
RARE = ["time passes", "time passes", "late calls arrive", "verify", "roll back", "roll back", "release"]
RARE += ["image", "restore", "restore", "lose", "lose control record", "other rules", "forget", "forget"]


class Installation(Judged):
    """The steps; what is asked after each of them is the base's."""

    @initialize(seed=st.integers(0, 1_000), sent=st.lists(drafts, max_size=8), ran=st.sampled_from([True, True, False]))
    def begin(self, seed: int, sent: list[Draft], ran: bool) -> None:
        """Where most lives begin: something was applied; or nothing ran yet."""
        self.world.shape = random.Random(seed)
        self.world.record_boundary()
        self.produce(sent, None)
        if ran:
            self._micro_batch((100, 50), None, False)

    @rule(sent=st.lists(drafts, min_size=1, max_size=4), marked=st.sampled_from([None, None, None, 0, 1]))
    def produce(self, sent: list[Draft], marked: int | None) -> None:
        for draft in sent:
            self.world.log.append(draft)
        if marked is not None:
            self.world.log.mark(marked)

    @rule(to=shares, fate=fates, again=st.sampled_from([False, False, True]))
    def micro_batch(self, to: tuple[int, ...], fate: Fate | None, again: bool) -> None:
        """Of the newest process, or of a new one when that hangs or ``again``."""
        self._micro_batch(to, fate, again)

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

    @rule(which=st.integers(0, 1), fate=fates | pauses)
    def reader_with_memory(self, which: int, fate: Fate | None) -> None:
        process = Process(self.followed[which].read, "reader with memory")
        self.begun[process] = self.world.clock.seconds
        self._resume(process, fate)

    @rule(which=st.integers(0, 1), fate=fates | pauses)
    def look(self, which: int, fate: Fate | None) -> None:
        if not self.followed[which].looking:
            self._resume(Process(self.followed[which].look, "look"), fate)

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

    @rule(
        first=FIRST, sent=st.lists(drafts, min_size=3), steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=4),
        older=st.booleans(), then=fates,
    )  # fmt: skip
    def meanwhile(
        self, first: tuple[str, Fate], sent: list[Draft], steps: list[str], older: bool, then: Fate | None
    ) -> None:
        """One process pauses while others work; then it continues."""
        if older:
            self.image = self.speed.image()
            self.produce(sent[:1], None)
            self._micro_batch((100, 100), None, False)
        before = list(self.waiting)
        what, pause = first
        if what == "micro-batch":
            self.produce(sent[:1], None)
            self._micro_batch((100, 100), pause, False)
        elif what == "batch run":
            self.batch_run(pause, None)
        else:
            self.reader(pause)
        for step in steps:
            self._step(step, sent[1:], [process for process in self.waiting if process not in before])
            self.every_answer_is_exact()
        self._resume_all([process for process in self.waiting if process not in before], then)

    meanwhile_again = meanwhile_once_more = meanwhile  # so that it is drawn more often

    def _step(self, step: str, sent: list[Draft], still: list[Process]) -> None:
        match step:
            case "send and apply":
                self.produce(sent, None)
                self._micro_batch((100, 100), None, False)
            case "apply":
                self._micro_batch((100, 50), None, False)
            case "batch run":
                self.batch_run(None, None)
            case "replace generations":
                for _ in range(3):
                    self.batch_run(None, True)
                    self.rare("time passes", 1, None)
            case "a few calls":
                self._resume_all(still, Fate(4, "pause"))
            case "fail over":
                self.image = self.speed.image()
                self._resume_all(still, Fate(4, "pause"))
                self.rare("restore", 0, None)
            case _:
                self.rare(step, 1, None)

    def _resume_all(self, processes: list[Process], fate: Fate | None) -> None:
        for process in processes:
            self.waiting.remove(process)
            self._resume(process, fate)

    @rule(what=st.sampled_from(RARE), which=st.integers(0, 3), fate=fates)
    def rare(self, what: str, which: int, fate: Fate | None) -> None:
        """What happens seldom, in one rule so that it does."""
        match what:
            case "roll back":
                self._roll_back(which)
            case "release" if self.world.recorded is not None:
                change_control(self.world.batch, lambda control: replace(control, held=False))
            case "time passes":
                self.world.clock.seconds += (11, GRACE_SECONDS + 1)[which % 2]
            case "late calls arrive":
                self.world.late_calls_arrive()
            case "verify":
                self.world.record_boundary()
            case "other rules":
                self.world.settings = self.world.settings.changed(history_items=which + 1)
                self._resume(Process(lambda: self.world.run_batch(full=True), "full batch"), fate)
            case "forget":
                self.world.log.forget(which % len(USERS))
                self._resume(Process(lambda: self.world.run_batch(full=which < 3), "forgetting batch"), fate)
            case "lose":
                self.speed.restore(None)
                self._may_go_back()
            case "lose control record":
                self.batch.restore(None)
                self.begun = dict.fromkeys(self.begun, float("-inf"))  # what is being read is gone, as after a drop
                self.lost = True
                self.world.clock.seconds += MOST_AGE_SECONDS + 1  # moments of before are too old
                self._may_go_back()
            case "image":
                self.image = self.speed.image()
            case "restore" if self.image is not None:
                self.speed.restore(self.image)
                self._may_go_back()

    def _roll_back(self, which: int) -> None:
        control = self.world.recorded
        if control is None:
            return
        names = [None, *(generation.id for generation in control.generations)]
        try:
            change_control(self.world.batch, lambda control: rollback(control, names[which % len(names)]))
        except BadInput:
            return
        self._may_go_back()  # documented: an older generation answers
