"""Log to lake up to a boundary: the first half of a generation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adapters.engine.kafka_source import read_range
from adapters.engine.session import in_workers
from adapters.lake.tables import Lake
from adapters.log.dead_letters import bury_all
from adapters.log.kafka_log import Log
from adapters.settings import Settings
from batch_layer.steps.ingest import accepted, parsed, rejected
from core.control.boundaries import latest, reaches
from core.control.changes import origin
from schemas.control import Boundary, Control, Offsets
from schemas.errors import SettingsError
from schemas.event import REJECTED_COLUMNS
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass
class LakeFiller:
    """Brings the lake up to a boundary, each record once, and buries what is rejected."""

    spark: "SparkSession"
    log: Log
    settings: Settings
    say: Callable[[str], None]

    def fill(self, control: Control, boundary: Boundary, rules: Rules) -> dict[str, Any]:
        """Add the accepted events below the boundary that the lake lacks; the versions of it in which all of them are.

        Raises:
            SettingsError: retention removed records that the lake never held.
        """
        lake, topic = Lake(self.spark, self.settings.lake_path), self.log.topics.events
        covered = lake.covered(control.log, origin(control))
        if not reaches(covered, boundary.offsets):
            self._require_range(covered, boundary)
            upto = latest(covered, boundary.offsets)
            rows = parsed(read_range(self.spark, self.settings, self.log.bootstrap, covered, upto), rules).persist()
            try:
                self._bury(rejected(rows, topic))
                lake.append(accepted(rows, topic), rejected(rows, topic), control.log, upto)
            finally:
                rows.unpersist()
            records = sum(upto.values()) - sum(covered.values())
            self.say(f"ingested {records:,} log offsets into the lake")
        return {**lake.versions(), "from_before": _holds_more(control, lake.until(boundary.offsets))}

    def _require_range(self, covered: Offsets, boundary: Boundary) -> None:
        for partition, first in self.log.start_offsets().items():
            if covered[partition] < min(first, boundary.offsets[partition]):
                raise SettingsError(
                    f"partition {partition} of {self.log.topics.events}: offsets {covered[partition]} to {first - 1} "
                    "were removed by retention before the lake held them; they are never skipped. Restore them, or "
                    "start with new views and a new lake, and give the topic a longer retention.ms"
                )

    def _bury(self, rows: "DataFrame") -> None:
        """In the tasks: there may be more of them than one process holds."""
        log = Log(self.log.bootstrap, self.log.topics, self.log.options)

        def bury(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for given in batches:
                bury_all(log, pa.RecordBatch.from_arrays(given.columns, schema=REJECTED_COLUMNS))
                yield pa.RecordBatch.from_pydict({"buried": [given.num_rows]})

        in_workers(rows.select(*REJECTED_COLUMNS.names), bury, "buried bigint").agg({"buried": "sum"}).collect()


def _holds_more(control: Control, events: "DataFrame") -> bool:
    """Whether the lake has events from before a first generation's control record, as after that was lost.

    A speed layer that began meanwhile did so without their histories, so its epoch must end.
    """
    start = control.boundaries[0].offsets
    below = " or ".join(f"(partition = {p} and offset < {offset})" for p, offset in start.items())
    return control.active is None and any(start.values()) and not events.where(below).isEmpty()
