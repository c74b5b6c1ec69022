"""The event lake: each accepted record once, in Delta, with all that is needed to rebuild everything (rule 15)."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adapters.engine.session import numbered_tasks
from adapters.lake.delta_table import LakeTable
from adapters.lake.files import LakeFile, Stretch, require_readable
from adapters.lake.parts import EVENTS, REJECTED, Part
from adapters.lake.refused import count_rejected
from adapters.log.forgotten import VOID_EVENT, VOID_REJECTED, without
from schemas.control import LogIdentity, Offsets
from schemas.errors import SettingsError
from schemas.event import DESCRIBING, EVENT_COLUMNS, STORED_COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from adapters.log.forgotten import Forgotten
    from schemas.event import Event
    from schemas.rules import Rules

    Work = Callable[[Stretch], Iterable[pa.RecordBatch]]

EVENTS_AT_ONCE = 500_000
RECENT_COMMITS = 100  # among which the newest note is looked for first
# How Delta reports that another writer was faster. Of two that create a table, one gets a changed protocol. The word
# "concurrent" alone is in every stack trace.
_OTHERS = re.compile(
    r"DELTA_CONCURRENT|(Concurrent|ProtocolChanged|MetadataChanged)\w*Exception|concurrent (update|write|trans|modif)"
)
_DDL = {"int32": "int", "int64": "bigint", "double": "double", "string": "string", "binary": "binary"}
EVENTS_DDL, REJECTED_DDL, WEIGHED_DDL = (
    ", ".join(f"{column.name} {_DDL[str(column.type)]}" for column in columns)
    for columns in (EVENTS, REJECTED, EVENT_COLUMNS)
)
ROWS_AT_ONCE = 100_000  # that a task which reads the lake holds
# The table property that holds the newest note, in case its commit leaves the history (adapters.lake.care).
NOTE_PROPERTY = "millrace.note"


def others_were_faster(error: Exception) -> bool:
    """Return whether Delta refused a commit because of another writer's; nothing was changed then."""
    return bool(_OTHERS.search(str(error)))


class Lake:
    """Two Delta tables under one path: ``events`` and ``rejected``.

    ``spark`` may be None for everything that is no ``DataFrame``.
    """

    def __init__(self, spark: "SparkSession | None", path: str) -> None:
        self._session = spark
        self.path = path if "://" in path or path.startswith("file:") else str(Path(path).absolute())
        self.events, self.rejected = f"{self.path}/events", f"{self.path}/rejected"
        self._events, self._rejected = LakeTable(self.events, EVENTS), LakeTable(self.rejected, REJECTED)

    def covered(self, log: LogIdentity, start: Offsets) -> Offsets:
        """Return per partition the offset up to which the lake holds the log; ``start`` when it is new.

        Raises:
            SettingsError: the lake was filled from another log.
        """
        self._events.look()
        newest = self.newest_note()
        if newest is None:
            return dict(start)
        if newest["log"] != vars(log):
            raise SettingsError(
                f"the lake was filled from another log ({newest['log']}) than the one configured ({vars(log)}): "
                "set MILLRACE_LAKE to a new path, or point MILLRACE_KAFKA back"
            )
        return {int(partition): offset for partition, offset in newest["offsets"].items()}

    def append(self, parts: Iterable[Part], log: LogIdentity, upto: Offsets) -> None:
        """Add files of what lies between ``covered``, which was asked before, and ``upto``; wholly or not at all.

        The rejected go first: a crash in between repeats them, and readers take each (partition, offset) once.

        Raises:
            MillraceError: another run added to the lake since ``covered`` was asked; nothing was changed.
        """
        note, number = json.dumps({"log": vars(log), "offsets": upto}), sum(upto.values()) + 1
        written: dict[str, list[Part]] = {"events": [], "rejected": []}
        for part in parts:
            written[part.table].append(part)
        self._rejected.look()
        if written["rejected"] or self._rejected.seen is None:
            self._rejected.commit(written["rejected"], note, number)
        self._events.commit(written["events"], note, number)

    def until(
        self,
        end: Offsets,
        start: Offsets | None = None,
        version: int | None = None,
        forgotten: "Forgotten | None" = None,
    ) -> "DataFrame":
        """Return the accepted events from ``start`` (None: the beginning) to below ``end``; none while the lake is new.

        Args:
            version: of ``versions``, to see the lake as it was then; None: as it is.
            forgotten: whose events do not count, below their marks.
        """
        rows = self._between(self._events, EVENTS_DDL, end, start, version)
        return without(rows, forgotten or {}, self._spark, VOID_EVENT)

    def stretch(
        self,
        rules: "Rules",
        end: Offsets,
        start: Offsets | None = None,
        version: int | None = None,
        forgotten: "Forgotten | None" = None,
    ) -> Stretch:
        """Return the same events for tasks that read them themselves, each with its weight.

        Raises:
            SettingsError: the table has features that its Parquet files alone do not show.
        """
        files: tuple[LakeFile, ...] = ()
        if self._events.exists:
            files = tuple(file for file in self._events.files(version) if file.meets(start or {}, end))
            require_readable(files)
        return Stretch(files, start, end, forgotten or {}, rules)

    def in_tasks(self, stretch: Stretch, work: "Work", ddl: str, tasks: int | None = None) -> "DataFrame":
        """Return what ``work`` makes of shares of it, in at most that many tasks; columns as in ``ddl``."""
        shares = stretch.shares(tasks or self._spark.sparkContext.defaultParallelism)

        return numbered_tasks(self._spark, len(shares), lambda number: work(shares[number]), ddl)

    def weighed(self, stretch: Stretch) -> "DataFrame":
        """Return ``EVENT_COLUMNS`` of it."""
        return self.in_tasks(stretch, lambda share: share.read(ROWS_AT_ONCE), WEIGHED_DDL)

    def rejected_until(
        self,
        end: Offsets,
        start: Offsets | None = None,
        version: int | None = None,
        forgotten: "Forgotten | None" = None,
    ) -> "DataFrame":
        """Return the rejected records of that range, each once; a forgotten user's are those with their key."""
        rows = self._between(self._rejected, REJECTED_DDL, end, start, version)
        return without(rows, forgotten or {}, self._spark, VOID_REJECTED).dropDuplicates(["partition", "offset"])

    def rejected_by_reason(
        self, end: Offsets, start: Offsets | None, version: int | None, forgotten: "Forgotten"
    ) -> dict[str, int]:
        """Count the rejected records by reason without the engine."""
        if not self._rejected.exists:
            return {}
        files = tuple(file for file in self._rejected.files(version) if file.meets(start or {}, end))
        return count_rejected(files, start, end, forgotten)

    def versions(self) -> dict[str, int]:
        """Return Delta's current version of each table; a table that does not exist yet has none."""
        tables = {"lake_version": self._events, "rejected_version": self._rejected}
        return {name: table.opened().version() for name, table in tables.items() if table.exists}

    def exists(self, path: str) -> bool:
        """Return whether one of the two tables, named by its path, was made."""
        return LakeTable(path, EVENTS).exists

    def newest_note(self) -> dict[str, Any] | None:
        """Return the note of the last append; maintenance commits since then have none."""
        if not self._events.exists:
            return None
        for commits in (RECENT_COMMITS, None):
            for text in self._events.notes(commits):
                note: dict[str, Any] = json.loads(text)
                return note
        kept = self._events.opened().metadata().configuration.get(NOTE_PROPERTY)
        if kept is None:
            raise SettingsError(f"{self.events} holds no offsets: it was not written by Millrace")
        return dict(json.loads(kept))

    def _between(
        self, table: LakeTable, ddl: str, end: Offsets, start: Offsets | None, version: int | None
    ) -> "DataFrame":
        from pyspark.sql import functions as F

        nothing = self._spark.createDataFrame([], ddl)
        if not table.exists:
            return nothing
        inside: Column = F.lit(False)
        for partition, offset in end.items():
            mine = (F.col("partition") == partition) & (F.col("offset") < offset)
            if start is not None:
                mine = mine & (F.col("offset") >= start.get(partition, 0))
            inside = inside | mine
        reader = self._spark.read.format("delta")
        rows = (reader if version is None else reader.option("versionAsOf", version)).load(table.path).where(inside)
        # Columns of newer versions are ignored; columns that older versions did not write are null.
        there, wanted = set(rows.columns), [(column.name, column.dataType) for column in nothing.schema.fields]
        return rows.select(*(n if n in there else F.lit(None).cast(kind).alias(n) for n, kind in wanted))

    @property
    def _spark(self) -> "SparkSession":
        assert self._session is not None, "only the engine can read the lake as a DataFrame"
        return self._session


def lake_events(lake: "Lake", rules: "Rules", start: Offsets, end: Offsets) -> "Iterator[Event]":
    """Yield the accepted events from ``start`` to below ``end``, in log order within each partition, some at a time."""
    from pyspark.sql import functions as F

    from core.events.acceptance import standing_weight
    from core.events.described import described_by
    from schemas.event import Event

    # Where an earlier version wrote no such columns, the record itself says.
    none = [F.col(name).isNull() for name in DESCRIBING]
    record = F.when(none[0] & none[1] & none[2], F.col("raw")).alias("raw")

    for partition, stop in end.items():
        for first in range(start[partition], stop, EVENTS_AT_ONCE):
            upto = {partition: min(first + EVENTS_AT_ONCE, stop)}
            rows = lake.until(upto, {partition: first}).orderBy("offset")
            for row in rows.select(*STORED_COLUMNS.names, record).toArrow().to_pylist():
                row |= described_by(row.pop("raw"))
                yield Event(**row, weight=standing_weight(row["kind"], row["value"], rules))
