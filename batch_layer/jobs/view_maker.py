"""Lake to views: fold, add up and write every row of a run's book, or those that changed and a copy of the others."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from adapters.engine.session import in_workers, numbered_tasks
from adapters.lake.files import Stretch
from adapters.lake.tables import ROWS_AT_ONCE, Lake
from adapters.records.books import generation_book
from adapters.settings import Settings
from adapters.stores.opened import batch_views
from batch_layer.steps.fold_step import EVENTS, fold_users, tasks_for
from batch_layer.steps.output import Output
from batch_layer.steps.write_step import WRITTEN_DDL, copy_rows, write_rows
from core.events.parcels import PARCELS_DDL, packed, unpacked
from core.rows.codec import Facts, pack_facts, unpack_facts
from core.rows.views import FACTS, FACTS_KEY
from schemas.control import Generation, Offsets, Run
from schemas.metrics import Measured
from schemas.rules import Rules

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from adapters.log.forgotten import Forgotten

ROWS_PER_PARCEL = 500  # at least, of events on their way to the task that folds their users


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
        return self._lake.until(self.run.boundary.offsets, version=self._version, forgotten=self.forgotten)

    def events(self) -> "DataFrame":
        """The same, as ``EVENT_COLUMNS``."""
        return self._lake.weighed(self._stretch(None))

    def write(self, base: Generation | str) -> dict[str, Any]:
        """All views, from the sums and histories of ``base``, or all anew for the reason given; metrics of it."""
        if isinstance(base, Generation):
            return self._write(base)
        self.say(f"computing everything: {base}")
        return self._write(None)

    def _stretch(self, base: Generation | None) -> Stretch:
        """What is to be folded: everything below the run's boundary, from that of the base on."""
        start = base.boundary.offsets if base else None
        return self._lake.stretch(self.rules, self.run.boundary.offsets, start, self._version, self.forgotten)

    def _write(self, base: Generation | None) -> dict[str, Any]:
        url, timeout = self.settings.batch_views_url, self.settings.stores.timeout_ms
        output, rules = Output(url, timeout, self.run.id, base.id if base else None), self.rules
        stretch = self._stretch(base)
        tasks = tasks_for(stretch.most, self.spark.sparkContext.defaultParallelism)
        rows = max(ROWS_AT_ONCE, ROWS_PER_PARCEL * tasks)
        by_user = self._lake.in_tasks(
            stretch, lambda share: packed(share.read(rows), tasks, "user_id"), PARCELS_DDL, tasks
        ).repartitionById(tasks, "task")
        by_row = in_workers(
            by_user, lambda parcels: packed(fold_users(unpacked(parcels), rules, output), tasks), PARCELS_DDL
        ).repartitionById(tasks, "task")
        written = in_workers(by_row, lambda parcels: write_rows(unpacked(parcels), output), WRITTEN_DDL)
        more = {row[0]: row[1] for row in written.groupBy("view").sum("rows").collect()}
        count = more.pop(EVENTS, 0)
        if base is not None:
            self._copy(output)
        facts, new = self.write_rejected(base)
        told = self._told(base, count, more) | {"duplicates": self._duplicates(facts, base)}
        return {**told, "rejected": facts.rejected or {}, **({"new_rejected": new} if base else {})}

    def _told(self, base: Generation | None, count: int, more: dict[str, int]) -> dict[str, Any]:
        before = base.measured if base else Measured()
        known = before.rows
        sizes = {view: known.get(view, 0) + more.get(view, 0) for view in sorted(known.keys() | more.keys())}
        since = f" since generation {base.id}" if base else ""
        self.say(f"folded {count:,} events{since}: " + ", ".join(f"{n:,} {view}" for view, n in sizes.items()))
        told = {"mode": "full" if base is None else "incremental", "events": before.events + count}
        return {**told, "rows": sizes, **({"base": base.id, "new_events": count} if base else {})}

    def _duplicates(self, facts: Facts, base: Generation | None) -> int:
        """How many of all events below the boundary are duplicates."""
        new = facts.duplicates - (base.measured.duplicates if base else 0)
        if new:
            self.say(f"{new:,} of these events are duplicates: their user's history knew their event_id already")
        return facts.duplicates

    def _copy(self, output: Output) -> None:
        """What no event touched, by as many tasks as there are cores."""
        parts = self.spark.sparkContext.defaultParallelism

        def copy(part: int) -> "list[pa.RecordBatch]":
            copy_rows([part], parts, output)
            return []

        numbered_tasks(self.spark, parts, copy, "nothing int").collect()

    def write_rejected(self, base: Generation | None) -> tuple[Facts, dict[str, int]]:
        """Note in the run's facts how many records below the boundary were rejected, by reason.

        Returns: the whole facts, and what was rejected from the boundary of the base on.
        """
        views, book = batch_views(self.settings), generation_book(self.run.id)
        folded = views.read(book, FACTS, [FACTS_KEY]).get(FACTS_KEY)
        before = views.read(generation_book(base.id), FACTS, [FACTS_KEY]).get(FACTS_KEY) if base else None
        facts = Facts() if folded is None else unpack_facts(folded)
        known = Facts() if before is None else unpack_facts(before)
        new = self.rejected(base.boundary.offsets if base else None)
        facts = replace(facts, rejected=dict(Counter(known.rejected or {}) + Counter(new)))
        views.put(book, {(FACTS, FACTS_KEY): pack_facts(facts)})
        return facts, new

    def rejected(self, start: Offsets | None) -> dict[str, int]:
        """How many records from ``start`` to below the boundary were rejected, by reason."""
        version = self.run.measured.rejected_version
        found = self._lake.rejected_until(self.run.boundary.offsets, start, version, self.forgotten)
        return {row["reason"]: row["count"] for row in found.groupBy("reason").count().collect()}

    @property
    def _version(self) -> int | None:
        """Of the lake's events, as the run's first step left them."""
        return self.run.measured.lake_version

    @property
    def _lake(self) -> Lake:
        return Lake(self.spark, self.settings.lake_path)
