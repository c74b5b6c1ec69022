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
import core.rows.touched
import speed_layer.clean_up
import speed_layer.driver
import speed_layer.steps.fold_step
import speed_layer.steps.one_task
import speed_layer.steps.write_step
from adapters.records.control import change_control, open_control, read_control, read_position
from adapters.settings import Settings
from adapters.stores.port import ViewStore
from batch_layer.steps import fold_step as batch_fold
from batch_layer.steps import write_step as batch_write
from core.control.changes import record_boundary
from schemas.control import Boundary, Control, Generation, Position
from schemas.rules import Rules
from serving_layer.memory import carried
from serving_layer.reading import follower
from serving_layer.reading.views import Views
from speed_layer.steps.micro_batch import CHANGES
from tests.kit.exact.followed import Followed
from tests.kit.exact.memory_log import MemoryLog
from tests.kit.exact.processes import TroubledStore
from tests.kit.exact.small_job import SmallJob
from tests.kit.exact.speed_life import GRACE_SECONDS, SpeedLife

KEPT_ATTEMPTS = 3  # whose lists of written rows are kept
CARRIED_BYTES = 150  # of changes in one list: some lists carry them, others do not
MOST_PARTS = 2  # of a row's changes in memory: more are merged
MAX_ABORTED = 4  # attempts that may die in one epoch
PUBLISHING = 6  # swaps of a run before the one that publishes it; one more where it makes the record
NEVER = 1e6  # a reader that a test has stopped waits for no store
SETTINGS = Settings.of(history_items=3, remembered_ids=4, counted_per_day=1, window="2d", grace=f"{GRACE_SECONDS}s")


@dataclass
class Clock:
    """The time that jobs and clean-up see; only tests move it. ``seconds`` may pass while one sleeps."""

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
    one_task: bool | None = None  # whether a micro-batch is one task; None: by chance
    clock: Clock = field(default_factory=Clock)
    buried: list[Any] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    lives: int = 0
    made: dict[str, Rules] = field(default_factory=dict)  # by which rules each generation was folded
    gone: dict[str, int] = field(default_factory=dict)  # how many marks of forgotten users are in effect in each

    def __post_init__(self) -> None:
        self.log = MemoryLog(self.partitions)
        self.views = Views(self.batch, self.speed, patience_seconds=NEVER)

    def followed(self, cache_bytes: int = 1 << 20) -> Followed:
        """A new serving process that keeps rows in memory."""
        return Followed(Views(self.batch, self.speed, patience_seconds=NEVER, cache_bytes=cache_bytes))

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
        return next(rules for rules in every if rules.fingerprint() == fingerprint)

    def live(self) -> SpeedLife:
        """A new process of the speed layer."""
        self.lives += 1
        return SpeedLife(self, f"speed{self.lives}", self.rules)

    def run_batch(self, reason: str = "", full: bool = False, activate: bool | None = True) -> Generation:
        """A whole run of the batch layer, as ``millrace batch run`` does it."""
        return self.job().run(reason, full, activate)

    def job(self) -> SmallJob:
        """A new process of the batch layer."""
        return SmallJob(None, self.log, self.settings, self.said.append, self)

    def record_boundary(self) -> Boundary:
        """As ``verify`` does."""
        open_control(self.batch, self.log.identity(), self.log.start_offsets(), self.rules)
        boundaries: list[Boundary] = []

        def record(control: Control) -> Control:
            changed, boundary = record_boundary(control, self.log.end_offsets())
            boundaries.append(boundary)
            return changed

        change_control(self.batch, record)
        return boundaries[-1]

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
            speed = speed_layer.steps.fold_step, speed_layer.steps.write_step, speed_layer.steps.one_task
            for step in (*speed, batch_fold, batch_write):
                patch.setattr(step, "store", lambda url, timeout_ms: stores[url])
            for timed in (
                batch_layer.jobs.generation,
                batch_runs,
                speed_layer.clean_up,
                speed_layer.driver,
                follower,
            ):
                patch.setattr(timed, "time", clock)
            for job in (batch_layer.jobs.generation, batch_layer.jobs.view_maker):
                patch.setattr(job, "batch_views", lambda settings: self.batch)
            patch.setattr(batch_runs, "say_warnings", lambda *_: None)  # a log in memory has no broker's settings
            patch.setattr(speed_layer.steps.fold_step, "Log", lambda *_: None)
            patch.setattr(speed_layer.steps.fold_step, "bury_all", lambda _, letters: self.buried.append(letters))
            patch.setattr(batch_fold, "EVENTS_AT_ONCE", 5)
            patch.setattr(core.control.changes, "MAX_ABORTED", MAX_ABORTED)
            patch.setattr(core.rows.touched, "KEPT_ATTEMPTS", KEPT_ATTEMPTS)
            patch.setattr(core.rows.touched, "CARRIED_BYTES", CARRIED_BYTES)
            patch.setattr(carried, "MOST_PARTS", MOST_PARTS)
            patch.setattr(follower, "CONTROL_SECONDS", 0)  # as the clock stands still
            patch.setattr(core.rows.tagged, "SMALL_BYTES", 0)  # so that small rows have older parts too
            yield self

    def mixed(self, batches: Iterator[pa.RecordBatch], tasks: int) -> list[list[pa.RecordBatch]]:
        """The shuffle by row: whole rows to one task each, in any order and in batches of any size."""
        rows = [row for batch in batches for row in batch.to_pylist()]
        self.shape.shuffle(rows)
        parts: list[list[dict[str, Any]]] = [[] for _ in range(tasks)]
        for row in rows:
            parts[crc32(repr((row["view"], row.get("segment"), row["key"])).encode()) % tasks].append(row)
        schema = CHANGES if rows and "segment" in rows[0] else batch_fold.CHANGES
        return [
            [pa.RecordBatch.from_pylist(part[at : at + 7], schema) for at in range(0, len(part), 7)] for part in parts
        ]
