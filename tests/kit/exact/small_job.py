"""A process of the batch layer on a ``World``, without the engine."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pyarrow as pa

from adapters.settings import Settings
from batch_layer.jobs.generation import BatchJob
from batch_layer.jobs.view_maker import ViewMaker
from batch_layer.steps import fold_step as batch_fold
from batch_layer.steps import write_step as batch_write
from batch_layer.steps.output import Output
from core.control.runs import base_of
from schemas.control import Control, Generation, Run
from schemas.event import EVENT_COLUMNS, Event

if TYPE_CHECKING:
    from tests.kit.exact.world import World


class SmallJob(BatchJob):
    """The product's own run of the batch layer; only the engine's part is done here, with the same steps."""

    def __init__(self, spark: Any, log: Any, settings: Settings, say: Any, world: "World") -> None:
        super().__init__(spark, log, settings, say)
        self.world = world

    def _ingest(self, control: Control, run: Run) -> dict[str, Any]:
        return {}

    def _compute(self, control: Control, run: Run) -> dict[str, Any]:
        shape, rules, log = self.world.shape, self._rules_of(run), self.world.log
        made_from = base_of(control, run)
        base = made_from if isinstance(made_from, Generation) else None
        start = base.boundary.offsets if base else log.start_offsets()
        accepted = log.accepted(run.boundary.offsets, run.forgotten)
        events = [event for event in accepted if event.offset >= start[event.partition]]
        self.world.made[run.id], self.world.gone[run.id] = rules, run.forgotten
        tasks, output = shape.randint(1, 2), Output("batch", 0, run.id, base and base.id)
        changes: list[pa.RecordBatch] = []
        for task in range(tasks):
            mine = [event for event in events if crc32(event.user_id.encode()) % tasks == task]
            mine.sort(key=lambda event: (event.user_id, event.offset))
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
        rows = [{name: getattr(event, name) for name in EVENT_COLUMNS.names} for event in events[first : first + size]]
        yield pa.RecordBatch.from_pylist(rows, EVENT_COLUMNS)
