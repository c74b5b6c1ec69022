"""Where the numbered tasks of a batch step run: few events in this process, many in the engine's workers.

The tasks are the same functions over columns. Spark's start and its first use of each class cost some fifteen seconds
of processor time on one machine, as much as two million events. So it is opened by the first step that has many.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from adapters.engine.session import in_workers, numbered_tasks, open_session, require_reachable_views
from adapters.machine.compiled import keep_compiled
from adapters.settings import Settings
from core.partitions.parcels import PARCELS_DDL

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Batches = Iterable[pa.RecordBatch]
Numbered = Callable[[int], Batches]  # what a task makes of its number
Stage = Callable[[Iterator[pa.RecordBatch]], Batches]  # what a task makes of the parcels that were sent to it
RECORDS_AT_ONCE = 100_000  # that a task is handed at a time
_TYPES = {"int32": "int", "int64": "bigint", "double": "double", "string": "string", "binary": "binary"}


class Tasks(Protocol):
    """A place where tasks run. Either place gives the same rows, in any order."""

    def count_for(self, events: int, at_once: int) -> int:
        """Return how many tasks share the events when one task holds about ``at_once`` of them."""

    def run(self, count: int, work: Numbered, columns: pa.Schema, *stages: Stage, tasks: int = 1) -> pa.Table:
        """Return what ``work`` makes of the numbers below ``count``; with stages, what the last of them makes of it.

        Before each stage the rows are parcels (``core.partitions.parcels``), each of which goes to the one of ``tasks``
        tasks that it names.
        """


class InProcess:
    """This process, one task after the other, each parcel handed on as it is made."""

    def count_for(self, events: int, at_once: int) -> int:
        return 1

    def run(self, count: int, work: Numbered, columns: pa.Schema, *stages: Stage, tasks: int = 1) -> pa.Table:
        rows: Batches = (batch for number in range(count) for batch in work(number))
        for stage in stages:
            rows = stage(iter(rows))
        return pa.Table.from_batches(rows, columns)


@dataclass(frozen=True)
class OnSpark:
    """The engine's workers, as many at once as it has cores."""

    session: "SparkSession"

    def count_for(self, events: int, at_once: int) -> int:
        return max(self.session.sparkContext.defaultParallelism, -(-events // at_once))

    def run(self, count: int, work: Numbered, columns: pa.Schema, *stages: Stage, tasks: int = 1) -> pa.Table:
        if not count:
            return columns.empty_table()
        last = ", ".join(f"`{column.name}` {_TYPES[str(column.type)]}" for column in columns)
        rows = numbered_tasks(self.session, count, work, PARCELS_DDL if stages else last)
        for number, stage in enumerate(stages, 1):
            ddl = last if number == len(stages) else PARCELS_DDL
            rows = in_workers(rows.repartitionById(tasks, "task"), stage, ddl)
        return rows.toArrow().cast(columns)


@dataclass
class Engine:
    """Spark, opened when it is first needed; ``session``: one that is open already, which all tasks then use.

    Raises:
        SettingsError: the setting ``spark_master`` names machines that cannot reach the views (rule 13).
    """

    settings: Settings
    name: str = "millrace batch"
    session: "SparkSession | None" = field(default=None)

    def __post_init__(self) -> None:
        keep_compiled()
        if self.session is None:
            require_reachable_views(self.settings, self.settings.engine.master)

    def tasks(self, events: int) -> Tasks:
        """Return the place for tasks over about ``events`` events."""
        if self.session is None and events <= self.settings.engine.in_process_events:
            return InProcess()
        return OnSpark(self.spark)

    @property
    def spark(self) -> "SparkSession":
        """The session."""
        if self.session is None:
            self.session = open_session(self.settings, self.name)
        self.session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(RECORDS_AT_ONCE))
        return self.session
