"""A process of the speed layer on a ``World``, without the engine."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adapters.engine.errors import translated
from adapters.log.kafka_log import Topics
from adapters.records.control import open_control, require_rules
from core.rows.tagged import NewerBase
from schemas.control import Offsets
from schemas.errors import StoreUnavailable
from schemas.rules import Rules
from speed_layer.clean_up import CleanUp
from speed_layer.driver import SpeedDriver, StartOver
from speed_layer.steps.fold_step import fold_records
from speed_layer.steps.micro_batch import MicroBatch, Places, Tally
from speed_layer.steps.one_task import fold_and_write
from speed_layer.steps.write_step import total as tallied
from speed_layer.steps.write_step import write_sums

if TYPE_CHECKING:
    from tests.kit.exact.world import World

GRACE_SECONDS = 60
ONE_TASK = 0.3  # of micro-batches


@dataclass(eq=False)
class SpeedLife:
    """One process of the speed layer: ``speed_layer.jobs.stream`` without the engine."""

    world: "World"
    owner: str
    rules: Rules
    reached: Offsets | None = None

    def __post_init__(self) -> None:
        world = self.world
        self._places = Places("batch", "speed", "", Topics.prefixed(""), {}, 0)
        self.driver = SpeedDriver(world.batch, world.speed, self.rules, self._places, self.owner, world.said.append)
        self.clean_up = CleanUp(self.driver, GRACE_SECONDS)
        self.started = False
        self.first_shown = 0  # events that no answer held before

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
                tally = self.driver.run(to, self._compute, start=self.reached)
            except StartOver:
                self.reached = None
                continue
            self.first_shown += sum(tally.arrivals[1::2])
            self.reached = to
            self.clean_up.maybe()
            return

    def _compute(self, batch: MicroBatch) -> Tally:
        """Fold task by task, shuffle, write task by task; a task that failed may be run again, as engines do.

        A small micro-batch may be one task.
        """
        shape = self.world.shape
        partitions = list(batch.to)
        if self.world.one_task or (self.world.one_task is None and shape.random() < ONE_TASK):
            tally: Tally = self._task(lambda: fold_and_write(self._records(partitions, batch), batch))
            return tally
        shape.shuffle(partitions)
        at = shape.randint(0, len(partitions))
        tasks = [part for part in (partitions[:at], partitions[at:]) if part]
        changes: list[pa.RecordBatch] = []
        for task in tasks:
            changes += self._task(lambda task=task: list(fold_records(self._records(task, batch), batch)))
        total = Tally()
        for rows in self.world.mixed(iter(changes), shape.randint(1, 3)):
            for written in self._task(lambda rows=rows: list(write_sums(rows, batch))):
                total = total.plus(tallied([written]))
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
