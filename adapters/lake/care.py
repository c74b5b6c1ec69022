"""Maintenance of the lake: deletes forgotten users, joins small files, deletes files that nobody needs."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.lake.tables import NOTE_PROPERTY, RECENT_COMMITS, Lake, others_were_faster
from adapters.log.forgotten import VOID_EVENT, VOID_REJECTED, table
from schemas.errors import MillraceError

if TYPE_CHECKING:
    from delta.tables import DeltaTable
    from pyspark.sql import SparkSession

    from adapters.log.forgotten import Forgotten

# Files below this size are joined up to it and then left alone. So a file holds one stretch of one partition, a range
# opens few files, a nightly run rewrites little, and it is what Spark gives one task of a full read.
FILE_BYTES = 128 * 1024 * 1024
PURGED_PROPERTY = "millrace.purged"  # of the table: how many marks of forgotten users are deleted from it
# How long Delta's log keeps what a version consists of, and a checkpoint the names of removed files.
LOG_PROPERTIES = ("delta.logRetentionDuration", "delta.deletedFileRetentionDuration")
LOG_DAYS = 30
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True)
class LakeCare:
    """Maintenance of one lake. Each step may be repeated or die in the middle, and readers notice nothing.

    Any step may raise MillraceError: an ingest was faster, and the step must be run again.
    """

    spark: "SparkSession"
    lake: Lake

    def purge(self, users: "Forgotten", marks: int) -> dict[str, int]:
        """Delete what is left of forgotten users; a later ``vacuum`` deletes their files.

        Args: users, marks: whom the active generation forgets, and how many marks that are.
        """
        if not self._tables() or marks <= int(self._properties().get(PURGED_PROPERTY, 0)):
            return {"events_deleted": 0, "rejected_deleted": 0}
        gone = table(users, self.spark)
        deleted = {}
        with _as_ours():
            for name, void in (("events", VOID_EVENT), ("rejected", VOID_REJECTED)):
                merge = self._table(f"{self.lake.path}/{name}").merge(gone, void).whenMatchedDelete()
                deleted[f"{name}_deleted"] = merge.execute().collect()[0]["num_deleted_rows"]
            self._set({PURGED_PROPERTY: str(marks)})
        return deleted

    def optimize(self) -> dict[str, int]:
        """Join small files."""
        sizes = {f"spark.databricks.delta.optimize.{end}FileSize": str(FILE_BYTES) for end in ("min", "max")}
        went = came = 0
        with _as_ours(), self._with(sizes):
            for table in self._tables():
                done = table.optimize().executeCompaction().select("metrics.*").collect()[0]
                went, came = went + done["numFilesRemoved"], came + done["numFilesAdded"]
        return {"files_joined": went, "files_made": came}

    def vacuum(self, keep_ms: int, needed: Iterable[int], now: int) -> dict[str, int]:
        """Delete files that left the lake long ago, and what died runs left behind.

        Args:
            keep_ms: files that left stay at least this long, for readers that began before.
            needed: versions of the events that stay readable, however old they are.      now: epoch ms.
        """
        if not self._tables():
            return {"kept_hours": 0, "files": 0, "bytes": 0}
        age = self._oldest_ms(needed, now)
        hours = math.ceil(max(keep_ms, age) / HOUR_MS)
        session = {
            "spark.databricks.delta.retentionDurationCheck.enabled": "false",  # it does not know ``needed``
            # Delta lists folders in this many tasks. Its default of 10,000 takes two minutes on two cores.
            "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(self.spark.sparkContext.defaultParallelism),
        }
        with _as_ours(), self._with(session):
            self._keep_log(age, now)
            for table in self._tables():
                table.vacuum(hours)
        detail = self._events().detail().collect()[0]
        return {"kept_hours": hours, "files": detail["numFiles"], "bytes": detail["sizeInBytes"]}

    def _keep_log(self, age_ms: int, now: int) -> None:
        """Keep the table's log as long as ``needed`` demands; what it will forget is kept in the table's properties."""
        days = max(LOG_DAYS, math.ceil(age_ms / DAY_MS) + 7)
        wanted = dict.fromkeys(LOG_PROPERTIES, f"interval {days} days")
        noted = self._events().history(RECENT_COMMITS).where("userMetadata is not null").agg({"timestamp": "max"})
        newest = noted.selectExpr("unix_millis(`max(timestamp)`)").collect()[0][0]
        if newest is None or now - newest > DAY_MS:  # nothing is ingested any more, but the lake is maintained
            wanted[NOTE_PROPERTY] = json.dumps(self.lake.newest_note())
        self._set(wanted)

    def _oldest_ms(self, needed: Iterable[int], now: int) -> int:
        """Return how long ago the oldest of those versions was made; 0 when there is none."""
        history = self._events().history().where(f"version in ({','.join(map(str, needed)) or 'null'})")
        oldest = history.selectExpr("unix_millis(min(timestamp))").collect()[0][0]
        return 0 if oldest is None else max(0, now - oldest)

    def _events(self) -> "DeltaTable":
        return self._table(self.lake.events)

    def _table(self, path: str) -> "DeltaTable":
        from delta.tables import DeltaTable

        return DeltaTable.forPath(self.spark, path)

    def _tables(self) -> list["DeltaTable"]:
        return [self._table(path) for path in (self.lake.events, self.lake.rejected) if self.lake.exists(path)]

    def _properties(self) -> dict[str, str]:
        return dict(self._events().detail().select("properties").collect()[0][0])

    def _set(self, wanted: Mapping[str, str]) -> None:
        """Set table properties; commits only if one of them changes, as a commit would stop an ingest that runs now."""
        there = self._properties()
        changed = {name: text for name, text in wanted.items() if there.get(name) != text}
        if changed:
            pairs = ", ".join(f"'{name}' = '{text}'" for name, text in changed.items())
            self.spark.sql(f"ALTER TABLE delta.`{self.lake.events}` SET TBLPROPERTIES ({pairs})")

    @contextmanager
    def _with(self, settings: Mapping[str, str]) -> Iterator[None]:
        """Change the session's settings within the block."""
        before = {name: self.spark.conf.get(name, None) for name in settings}
        for name, text in settings.items():
            self.spark.conf.set(name, text)
        try:
            yield
        finally:
            for name, old in before.items():
                self.spark.conf.unset(name) if old is None else self.spark.conf.set(name, old)


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if others_were_faster(error):
            raise MillraceError("the lake was filled at the same moment: run it again; nothing is half done") from error
        raise
