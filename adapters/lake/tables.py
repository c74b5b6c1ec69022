"""The event lake: each accepted record once, in Delta, with all that is needed to rebuild everything (rule 15)."""

import json
import re
from typing import TYPE_CHECKING, Any

from adapters.engine.session import numbered_tasks
from adapters.lake.files import LakeFile, Stretch, sized
from adapters.log.forgotten import VOID_EVENT, VOID_REJECTED, without
from schemas.control import LogIdentity, Offsets
from schemas.errors import MillraceError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, DataFrameWriter, SparkSession

    from adapters.log.forgotten import Forgotten
    from schemas.event import Event
    from schemas.rules import Rules

    Work = Callable[[Stretch], Iterator[pa.RecordBatch]]

EVENTS_AT_ONCE = 500_000
RECENT_COMMITS = 100  # among which the newest note is looked for first
# How Delta says that another writer was faster; of two that make a table, one hears of a changed protocol. The word
# concurrent alone is in every stack trace.
_OTHERS = re.compile(
    r"DELTA_CONCURRENT|(Concurrent|ProtocolChanged|MetadataChanged)\w*Exception|concurrent (update|write|trans|modif)"
)
APPLICATION = "millrace-ingest"  # Delta refuses two writers of one application at a time
EVENTS_DDL = (
    "topic string, partition int, offset bigint, timestamp bigint, event_id string, event_time bigint, kind string, "
    "user_id string, item_id string, value double, category string, raw string"
)
WEIGHED_DDL = (
    "partition int, offset bigint, timestamp bigint, event_id string, event_time bigint, kind string, "
    "user_id string, item_id string, value double, weight bigint, category string"
)
ROWS_AT_ONCE = 100_000  # that a task which reads the lake holds
PLAIN_READER_VERSION = 1  # of Delta's protocol: a version of the table is its Parquet files and nothing else
NOTE_PROPERTY = (
    "millrace.note"  # of the table: the newest note, should its commit leave the history (adapters.lake.care)
)
REJECTED_DDL = "topic string, partition int, offset bigint, timestamp bigint, key binary, value binary, reason string"


def others_were_faster(error: Exception) -> bool:
    """Whether Delta refused a commit because of another writer's; nothing was changed then."""
    return bool(_OTHERS.search(str(error)))


class Lake:
    """Two Delta tables under one path: ``events`` and ``rejected``."""

    def __init__(self, spark: "SparkSession", path: str) -> None:
        self._spark, self.path = spark, path
        self.events, self.rejected = f"{path}/events", f"{path}/rejected"

    def covered(self, log: LogIdentity, start: Offsets) -> Offsets:
        """Per partition the offset up to which the lake holds the log; ``start`` when it is new.

        Raises:
            SettingsError: the lake was filled from another log.
        """
        newest = self.newest_note()
        if newest is None:
            return dict(start)
        if newest["log"] != vars(log):
            raise SettingsError(
                f"the lake was filled from another log ({newest['log']}) than the one configured ({vars(log)}): "
                "set MILLRACE_LAKE to a new path, or point MILLRACE_KAFKA back"
            )
        return {int(partition): offset for partition, offset in newest["offsets"].items()}

    def append(self, events: "DataFrame", rejected: "DataFrame", log: LogIdentity, upto: Offsets) -> None:
        """Add what lies between ``covered`` and ``upto``, wholly or not at all.

        The rejected go first: a crash in between repeats them, and readers take each (partition, offset) once.
        """
        note = json.dumps({"log": vars(log), "offsets": upto})
        writer = self._appending(events, self.events).option("userMetadata", note)
        writer = writer.option("txnAppId", APPLICATION).option("txnVersion", sum(upto.values()) + 1)
        try:
            self._appending(rejected, self.rejected).save(self.rejected)
            writer.save(self.events)
        except Exception as error:
            if others_were_faster(error):
                raise MillraceError(
                    "another batch run is filling the lake now; nothing was changed, run again"
                ) from error
            raise

    def _appending(self, rows: "DataFrame", path: str) -> "DataFrameWriter":
        """A column that is new joins the table; a new table has a folder for each partition of the log.

        So a file holds one stretch of one partition, and whoever reads a range opens only the files that it meets.
        """
        writer = rows.write.format("delta").mode("append").option("mergeSchema", "true")
        return writer if self.exists(path) else writer.partitionBy("partition")

    def until(
        self,
        end: Offsets,
        start: Offsets | None = None,
        version: int | None = None,
        forgotten: "Forgotten | None" = None,
    ) -> "DataFrame":
        """The accepted events from ``start`` (None: the beginning) to below ``end``; none while the lake is new.

        Args:
            version: of ``versions``, to see the lake as it was then; None: as it is.
            forgotten: whose events do not count, below their marks.
        """
        found = self._between(self.events, EVENTS_DDL, end, start, version)
        return without(found, forgotten or {}, self._spark, VOID_EVENT)

    def stretch(
        self,
        rules: "Rules",
        end: Offsets,
        start: Offsets | None = None,
        version: int | None = None,
        forgotten: "Forgotten | None" = None,
    ) -> Stretch:
        """The same events for tasks that read them by themselves, each with its weight.

        Raises:
            SettingsError: the table was given features that its Parquet files alone do not tell of.
        """
        files: tuple[LakeFile, ...] = ()
        if self.exists(self.events):
            self._require_plain_files()
            files = sized(self._at(self.events, version).inputFiles())
        return Stretch(files, start, end, forgotten or {}, rules)

    def in_tasks(self, stretch: Stretch, work: "Work", ddl: str, tasks: int | None = None) -> "DataFrame":
        """What ``work`` makes of shares of it, in so many tasks at most; columns as in ``ddl``."""
        shares = stretch.shares(tasks or self._spark.sparkContext.defaultParallelism)

        return numbered_tasks(self._spark, len(shares), lambda number: work(shares[number]), ddl)

    def weighed(self, stretch: Stretch) -> "DataFrame":
        """``EVENT_COLUMNS`` of it."""
        return self.in_tasks(stretch, lambda share: share.read(ROWS_AT_ONCE), WEIGHED_DDL)

    def rejected_until(
        self,
        end: Offsets,
        start: Offsets | None = None,
        version: int | None = None,
        forgotten: "Forgotten | None" = None,
    ) -> "DataFrame":
        """The rejected records of that range, each once; a forgotten user's are those with their key."""
        found = self._between(self.rejected, REJECTED_DDL, end, start, version)
        return without(found, forgotten or {}, self._spark, VOID_REJECTED).dropDuplicates(["partition", "offset"])

    def versions(self) -> dict[str, int]:
        """Delta's version of each table now; a table that does not exist yet has none."""
        from delta.tables import DeltaTable

        tables = {"lake_version": self.events, "rejected_version": self.rejected}
        return {
            name: DeltaTable.forPath(self._spark, path).history(1).select("version").collect()[0][0]
            for name, path in tables.items()
            if self.exists(path)
        }

    def _between(self, path: str, ddl: str, end: Offsets, start: Offsets | None, version: int | None) -> "DataFrame":
        from pyspark.sql import functions as F

        nothing = self._spark.createDataFrame([], ddl)
        if not self.exists(path):
            return nothing
        inside: Column = F.lit(False)
        for partition, offset in end.items():
            mine = (F.col("partition") == partition) & (F.col("offset") < offset)
            if start is not None:
                mine = mine & (F.col("offset") >= start.get(partition, 0))
            inside = inside | mine
        rows = self._at(path, version).where(inside)
        # What a later Millrace added is not seen; what an earlier one did not write yet is absent in each row.
        there, wanted = set(rows.columns), [(each.name, each.dataType) for each in nothing.schema.fields]
        return rows.select(*(n if n in there else F.lit(None).cast(kind).alias(n) for n, kind in wanted))

    def _at(self, path: str, version: int | None) -> "DataFrame":
        reader = self._spark.read.format("delta")
        return (reader if version is None else reader.option("versionAsOf", version)).load(path)

    def _require_plain_files(self) -> None:
        from delta.tables import DeltaTable

        detail = DeltaTable.forPath(self._spark, self.events).detail().select("minReaderVersion", "properties")
        needed, properties = detail.collect()[0]
        if needed > PLAIN_READER_VERSION:
            raise SettingsError(
                f"{self.events} was given features of Delta that its files alone do not tell of (reader version "
                f"{needed}; properties {properties}): take them away again by ALTER TABLE … DROP FEATURE "
                "(deletionVectors, columnMapping)"
            )

    def exists(self, path: str) -> bool:
        """Whether one of the two tables, named by its path, was made."""
        from delta.tables import DeltaTable

        return bool(DeltaTable.isDeltaTable(self._spark, path))

    def newest_note(self) -> dict[str, Any] | None:
        """What the last append said of itself; maintenance commits in between say nothing."""
        from delta.tables import DeltaTable

        if not self.exists(self.events):
            return None
        table = DeltaTable.forPath(self._spark, self.events)
        for commits in (RECENT_COMMITS, None):
            history = (table.history(commits) if commits else table.history()).select("version", "userMetadata")
            notes = history.where("userMetadata is not null").orderBy("version", ascending=False).limit(1).collect()
            if notes:
                note: dict[str, Any] = json.loads(notes[0]["userMetadata"])
                return note
        kept = table.detail().select("properties").collect()[0]["properties"].get(NOTE_PROPERTY)
        if kept is None:
            raise SettingsError(f"{self.events} holds no offsets: it was not written by Millrace")
        return dict(json.loads(kept))


def lake_events(lake: "Lake", rules: "Rules", start: Offsets, end: Offsets) -> "Iterator[Event]":
    """The accepted events from ``start`` to below ``end``, in log order within each partition, some at a time."""
    from core.events.acceptance import standing_weight
    from schemas.event import STORED_COLUMNS, Event

    for partition, stop in end.items():
        for first in range(start[partition], stop, EVENTS_AT_ONCE):
            upto = {partition: min(first + EVENTS_AT_ONCE, stop)}
            rows = lake.until(upto, {partition: first}).orderBy("offset")
            for row in rows.select(*STORED_COLUMNS.names).toArrow().to_pylist():
                yield Event(**row, weight=standing_weight(row["kind"], row["value"], rules))
