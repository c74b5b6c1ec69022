"""Lake to views: fold, add up and write every row of a run's book, or those that changed and a copy of the others."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from adapters.books import generation_book
from adapters.lake import Lake
from adapters.opened import batch_views
from adapters.settings import Settings, milliseconds
from batch_layer.fold_step import CHANGES_DDL, by_user, fold_users, tasks_for, weighed
from batch_layer.output import Output
from batch_layer.write_step import WRITTEN_DDL, copy_rows, write_rows
from core.codec import Facts, pack_facts, unpack_facts
from core.views import FACTS, FACTS_KEY
from schemas.control import Generation, Offsets, Run
from schemas.rules import Rules

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from adapters.forgotten import Forgotten


@dataclass
class ViewMaker:
    """Writes the views of one run, from the lake as the run's first step left it."""

    spark: "SparkSession"
    settings: Settings
    say: Callable[[str], None]
    run: Run
    rules: Rules
    forgotten: "Forgotten" = field(default_factory=dict)

    def lake_rows(self) -> "DataFrame":
        """All accepted events below the run's boundary as the lake has them; the same for each of the run's steps."""
        version = self.run.metrics.get("lake_version")
        return self._lake.until(self.run.boundary.offsets, version=version, forgotten=self.forgotten)

    def events(self) -> "DataFrame":
        """The same, as ``EVENT_COLUMNS``."""
        return weighed(self.lake_rows(), self.rules)

    def write(self, base: Generation | str) -> dict[str, Any]:
        """All views, from the sums and histories of ``base``, or all anew for the reason given; metrics of it."""
        if isinstance(base, Generation):
            return self._write(base)
        self.say(f"computing everything: {base}")
        return self._write(None)

    def _write(self, base: Generation | None) -> dict[str, Any]:
        url, timeout = self.settings.batch_views_url, milliseconds(self.settings.store_timeout)
        output, rules = Output(url, timeout, self.run.id, base.id if base else None), self.rules
        version = self.run.metrics.get("lake_version")
        new = weighed(
            self._lake.until(
                self.run.boundary.offsets, base.boundary.offsets if base else None, version, self.forgotten
            ),
            rules,
        )
        count = new.count()
        tasks = tasks_for(count, self.spark.sparkContext.defaultParallelism)
        changes = by_user(new, tasks).mapInArrow(lambda batches: fold_users(batches, rules, output), CHANGES_DDL)
        rows = changes.repartition(tasks, "view", "key")
        written = rows.mapInArrow(lambda batches: write_rows(batches, output), WRITTEN_DDL)
        more = {row[0]: row[1] for row in written.groupBy("view").sum("rows").collect()}
        if base is not None:
            self._copy(output)
        self.write_rejected(base)
        return self._told(base, count, more)

    def _told(self, base: Generation | None, count: int, more: dict[str, int]) -> dict[str, Any]:
        before = base.metrics if base else {}
        known = before.get("rows", {})
        sizes = {view: known.get(view, 0) + more.get(view, 0) for view in sorted(known.keys() | more.keys())}
        since = f" since generation {base.id}" if base else ""
        self.say(f"folded {count:,} events{since}: " + ", ".join(f"{n:,} {view}" for view, n in sizes.items()))
        told = {"mode": "full" if base is None else "incremental", "events": before.get("events", 0) + count}
        return {**told, "rows": sizes, **({"base": base.id, "new_events": count} if base else {})}

    def _copy(self, output: Output) -> None:
        """What no event touched, by as many tasks as there are cores."""
        parts = self.spark.sparkContext.defaultParallelism

        def copy(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
            for batch in batches:
                copy_rows(batch.column(0).to_pylist(), parts, output)
                yield batch

        self.spark.range(0, parts, 1, parts).mapInArrow(copy, "id bigint").count()

    def write_rejected(self, base: Generation | None) -> None:
        """Note in the run's facts how many records below the boundary were rejected, by reason."""
        views, book = batch_views(self.settings), generation_book(self.run.id)
        folded = views.read(book, FACTS, [FACTS_KEY]).get(FACTS_KEY)
        before = views.read(generation_book(base.id), FACTS, [FACTS_KEY]).get(FACTS_KEY) if base else None
        facts = Facts() if folded is None else unpack_facts(folded)
        known = Facts() if before is None else unpack_facts(before)
        rejected = Counter(known.rejected or {}) + Counter(self.rejected(base.boundary.offsets if base else None))
        views.put(book, {(FACTS, FACTS_KEY): pack_facts(replace(facts, rejected=dict(rejected)))})

    def rejected(self, start: Offsets | None) -> dict[str, int]:
        """How many records from ``start`` to below the boundary were rejected, by reason."""
        version = self.run.metrics.get("rejected_version")
        found = self._lake.rejected_until(self.run.boundary.offsets, start, version, self.forgotten)
        return {row["reason"]: row["count"] for row in found.groupBy("reason").count().collect()}

    @property
    def _lake(self) -> Lake:
        return Lake(self.spark, self.settings.lake_path)
