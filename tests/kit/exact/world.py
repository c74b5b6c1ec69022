"""The product's own driver, steps and jobs on an in-memory log and real stores, without Kafka and Spark."""

import random
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import pyarrow as pa
import pytest

import batch_layer.jobs.generation
import batch_layer.jobs.view_maker
import batch_layer.runs.lifecycle as batch_runs
import core.control.changes
import core.rows.tagged
import speed_layer.clean_up
import speed_layer.driver
import speed_layer.fold_step
import speed_layer.write_step
from adapters.engine.errors import translated
from adapters.log.kafka_log import Topics
from adapters.records.control import change_control, open_control, read_control, read_position, require_rules
from adapters.settings import Settings
from adapters.stores.port import ViewStore
from batch_layer.jobs.generation import BatchJob
from batch_layer.jobs.view_maker import ViewMaker
from batch_layer.steps import fold_step as batch_fold
from batch_layer.steps import write_step as batch_write
from batch_layer.steps.output import Output
from core.control.changes import record_boundary
from core.control.runs import base_of
from core.rows.tagged import NewerBase
from schemas.control import Boundary, Control, Generation, Offsets, Position, Run
from schemas.errors import StoreUnavailable
from schemas.event import EVENT_COLUMNS, Event
from schemas.rules import Rules
from serving_layer.reading.views import Views
from speed_layer.clean_up import CleanUp
from speed_layer.driver import SpeedDriver, StartOver
from speed_layer.fold_step import fold_records
from speed_layer.micro_batch import CHANGES, MicroBatch, Places, Tally
from speed_layer.write_step import write_sums
from tests.kit.exact.memory_log import MemoryLog
from tests.kit.exact.processes import TroubledStore

GRACE_SECONDS = 60
MAX_ABORTED = 4  # so many attempts may die in one epoch
PUBLISHING = 6  # swaps of a run before the one that publishes it; one more where it makes the record
NEVER = 1e6  # a reader that a test has stopped waits for no store
SETTINGS = Settings.of(history_items=3, remembered_ids=4, window="2d", grace=f"{GRACE_SECONDS}s")


@dataclass
class Clock:
    """The time that jobs and clean-up see; it moves only when told to. ``seconds`` may pass while one sleeps."""

    seconds: float = 1_000_000.0

    def monotonic(self) -> float:
        return self.seconds

    def time_ns(self) -> int:
        return int(self.seconds * 1e9)


@dataclass(eq=False)
class World:
    """A log, the two stores, and what runs on them. ``shape`` draws how the engine cuts, mixes and repeats its work."""

    batch: TroubledStore
    speed: TroubledStore
    partitions: int = 2
    settings: Settings = SETTINGS
    shape: random.Random = field(default_factory=lambda: random.Random(0))
    clock: Clock = field(default_factory=Clock)
    buried: list[Any] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    lives: int = 0
    made: dict[str, Rules] = field(default_factory=dict)  # by which rules each generation was folded
    gone: dict[str, int] = field(default_factory=dict)  # how many marks of forgotten users are in effect in each

    def __post_init__(self) -> None:
        self.log = MemoryLog(self.partitions)
        self.views = Views(self.batch, self.speed, patience_seconds=NEVER)

    @staticmethod
    def on(batch: ViewStore, speed: ViewStore, **more: Any) -> "World":
        return World(TroubledStore(batch), TroubledStore(speed), **more)

    @property
    def rules(self) -> Rules:
        """What is configured now; processes keep what was when they started."""
        return replace(self.settings.rules, partitions=self.partitions)

    @property
    def recorded(self) -> Control | None:
        """The control record; None before anything ran, and once it is lost."""
        return read_control(self.batch.real)

    @property
    def control(self) -> Control:
        control = self.recorded
        assert control is not None
        return control

    @property
    def position(self) -> Position | None:
        return read_position(self.speed.real)

    def rules_of(self, fingerprint: str) -> Rules:
        """The rules of that fingerprint: tests change how many items a history keeps."""
        every = (replace(self.rules, history_items=n) for n in range(1, 6))
        return next(each for each in every if each.fingerprint() == fingerprint)

    def live(self) -> "SpeedLife":
        """A new process of the speed layer."""
        self.lives += 1
        return SpeedLife(self, f"speed{self.lives}", self.rules)

    def run_batch(self, reason: str = "", full: bool = False, activate: bool | None = True) -> Generation:
        """A whole run of the batch layer, as ``millrace batch run`` does it."""
        return self.job().run(reason, full, activate)

    def job(self) -> "SmallJob":
        """A new process of the batch layer."""
        return SmallJob(None, self.log, self.settings, self.said.append, self)

    def record_boundary(self) -> Boundary:
        """As ``verify`` does."""
        open_control(self.batch, self.log.identity(), self.log.start_offsets(), self.rules)
        found: list[Boundary] = []

        def record(control: Control) -> Control:
            changed, boundary = record_boundary(control, self.log.end_offsets())
            found.append(boundary)
            return changed

        change_control(self.batch, record)
        return found[-1]

    def late_calls_arrive(self) -> None:
        """What timed out at its caller is carried out now."""
        for store in (self.batch, self.speed):
            store.later.arrive()

    @contextmanager
    def tapped(self) -> Iterator["World"]:
        """The layers' steps find these stores, this clock and no dead letter topic while inside."""
        stores = {"batch": self.batch, "speed": self.speed}
        clock = types.SimpleNamespace(
            monotonic=self.clock.monotonic, time_ns=self.clock.time_ns, sleep=lambda _: self.late_calls_arrive(),
            strftime=lambda *_: "run", gmtime=lambda: None,
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            for step in (speed_layer.fold_step, speed_layer.write_step, batch_fold, batch_write):
                patch.setattr(step, "store", lambda url, timeout_ms: stores[url])
            for timed in (
                batch_layer.jobs.generation,
                batch_runs,
                speed_layer.clean_up,
                speed_layer.driver,
            ):
                patch.setattr(timed, "time", clock)
            for job in (batch_layer.jobs.generation, batch_layer.jobs.view_maker):
                patch.setattr(job, "batch_views", lambda settings: self.batch)
            patch.setattr(batch_runs, "say_warnings", lambda *_: None)  # a log in memory has no broker's settings
            patch.setattr(speed_layer.fold_step, "Log", lambda *_: None)
            patch.setattr(speed_layer.fold_step, "bury_all", lambda _, letters: self.buried.append(letters))
            patch.setattr(batch_fold, "EVENTS_AT_ONCE", 5)
            patch.setattr(core.control.changes, "MAX_ABORTED", MAX_ABORTED)
            patch.setattr(core.rows.tagged, "SMALL_BYTES", 0)  # so that small rows have older parts too
            yield self

    def mixed(self, batches: Iterator[pa.RecordBatch], tasks: int) -> list[list[pa.RecordBatch]]:
        """The shuffle by row: whole rows to one task each, in any order and in batches of any size."""
        rows = [row for each in batches for row in each.to_pylist()]
        self.shape.shuffle(rows)
        parts: list[list[dict[str, Any]]] = [[] for _ in range(tasks)]
        for row in rows:
            parts[crc32(repr((row["view"], row.get("segment"), row["key"])).encode()) % tasks].append(row)
        schema = CHANGES if rows and "segment" in rows[0] else batch_fold.CHANGES
        return [
            [pa.RecordBatch.from_pylist(part[at : at + 7], schema) for at in range(0, len(part), 7)] for part in parts
        ]


@dataclass(eq=False)
class SpeedLife:
    """One process of the speed layer: ``speed_layer.jobs.stream`` without the engine."""

    world: World
    owner: str
    rules: Rules
    reached: Offsets | None = None

    def __post_init__(self) -> None:
        world = self.world
        self._places = Places("batch", "speed", "", Topics.prefixed(""), {}, 0)
        self.driver = SpeedDriver(world.batch, world.speed, self.rules, self._places, self.owner, world.said.append)
        self.clean_up = CleanUp(self.driver, GRACE_SECONDS)
        self.started = False

    def apply(self, shares: tuple[int, ...]) -> None:
        """One micro-batch that ends so far, in hundredths, between the position and the log's end; then clean-up."""
        log = self.world.log
        if not self.started:
            start = log.start_offsets()
            require_rules(open_control(self.world.batch, log.identity(), start, self.rules), self.rules)
            self.started = True
        while True:
            if self.reached is None:
                self.reached = self.driver.take_over(log.start_offsets()).offsets
            to = log.cut(self.reached, shares)
            try:
                self.driver.run(to, self._compute, start=self.reached)
            except StartOver:
                self.reached = None
                continue
            self.reached = to
            self.clean_up.maybe()
            return

    def _compute(self, batch: MicroBatch) -> Tally:
        """Fold task by task, shuffle, write task by task; a task that failed may be run again, as engines do."""
        shape = self.world.shape
        partitions = list(batch.to)
        shape.shuffle(partitions)
        at = shape.randint(0, len(partitions))
        tasks = [part for part in (partitions[:at], partitions[at:]) if part]
        changes: list[pa.RecordBatch] = []
        for task in tasks:
            changes += self._task(lambda task=task: list(fold_records(self._records(task, batch), batch)))
        total = Tally()
        for rows in self.world.mixed(iter(changes), shape.randint(1, 3)):
            for written in self._task(lambda rows=rows: list(write_sums(rows, batch))):
                total = total.plus(Tally(*(column[0].as_py() for column in written.columns)))
        return total

    def _task(self, run: Any) -> Any:
        try:
            return run()
        except StoreUnavailable:
            if self.world.shape.random() < 0.5:
                raise
            return run()
        except NewerBase as error:  # what is left of an error of an engine's task is its text
            raise translated(RuntimeError(repr(error))) from error

    def _records(self, task: list[int], batch: MicroBatch) -> list[pa.RecordBatch]:
        """From where the engine began, which may be before the position."""
        shape, log = self.world.shape, self.world.log
        start = {p: shape.choice([0, offset]) for p, offset in (self.reached or {}).items()}
        whole = log.batch(task, start, batch.to)
        at = shape.randint(0, whole.num_rows)
        return [whole.slice(0, at), whole.slice(at)]


class SmallJob(BatchJob):
    """The product's own run of the batch layer; only the engine's part is done here, with the same steps."""

    def __init__(self, spark: Any, log: Any, settings: Settings, say: Any, world: World) -> None:
        super().__init__(spark, log, settings, say)
        self.world = world

    def _ingest(self, control: Control, run: Run) -> dict[str, Any]:
        return {}

    def _compute(self, control: Control, run: Run) -> dict[str, Any]:
        shape, rules, log = self.world.shape, self._rules_of(run), self.world.log
        found = base_of(control, run)
        base = found if isinstance(found, Generation) else None
        start = base.boundary.offsets if base else log.start_offsets()
        accepted = log.accepted(run.boundary.offsets, run.forgotten)
        events = [each for each in accepted if each.offset >= start[each.partition]]
        self.world.made[run.id], self.world.gone[run.id] = rules, run.forgotten
        tasks, output = shape.randint(1, 2), Output("batch", 0, run.id, base and base.id)
        changes: list[pa.RecordBatch] = []
        for task in range(tasks):
            mine = [each for each in events if crc32(each.user_id.encode()) % tasks == task]
            mine.sort(key=lambda each: (each.user_id, each.offset))
            changes += batch_fold.fold_users(_cut(mine, shape.randint(1, 8)), rules, output)
        for rows in self.world.mixed(iter(changes), tasks):
            list(batch_write.write_rows(rows, output))
        if base:
            batch_write.copy_rows(range(tasks), tasks, output)
        maker = ViewMaker(None, self.settings, self.say, run, rules)  # type: ignore[arg-type]
        end, count = run.boundary.offsets, run.forgotten
        maker.rejected = lambda since: log.rejected(end, since, count)  # type: ignore[method-assign]
        maker.write_rejected(base)
        return {"events": len(events), **({"base": base.id} if base else {})}

    def _train(self, control: Control, run: Run) -> dict[str, Any]:
        return {}

    def _evaluate(self, control: Control, run: Run) -> dict[str, Any]:
        return {}

    def _gate(self, control: Control, run: Run) -> dict[str, Any]:
        return {}


def _cut(events: list[Event], size: int) -> Iterator[pa.RecordBatch]:
    for first in range(0, len(events), size):
        rows = [{name: getattr(each, name) for name in EVENT_COLUMNS.names} for each in events[first : first + size]]
        yield pa.RecordBatch.from_pylist(rows, EVENT_COLUMNS)
