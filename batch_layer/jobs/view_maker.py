"""Lake to views: fold, add up and write every row of a run's book."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.books import generation_book
from adapters.lake import Lake
from adapters.opened import batch_views
from adapters.settings import Settings, milliseconds
from batch_layer.fold_step import CHANGES_DDL, by_user, fold_users, tasks_for, weighed
from batch_layer.output import Output
from batch_layer.write_step import WRITTEN_DDL, write_rows
from core.codec import Facts, pack_facts, unpack_facts
from core.views import FACTS, FACTS_KEY
from schemas.control import Generation, Run
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass
class ViewMaker:
    """Writes the views of one run, from the lake as the run's first step left it."""

    spark: "SparkSession"
    settings: Settings
    say: Callable[[str], None]
    run: Run
    rules: Rules

    def lake_rows(self) -> "DataFrame":
        """All accepted events below the run's boundary as the lake has them; the same for each of the run's steps."""
        return self._lake.until(self.run.boundary.offsets, version=self.run.metrics.get("lake_version"))

    def events(self) -> "DataFrame":
        """The same, as ``EVENT_COLUMNS``."""
        return weighed(self.lake_rows(), self.rules)

    def write(self, base: Generation | None) -> dict[str, Any]:
        """All views; what is kept of it as metrics."""
        url, timeout = self.settings.batch_views_url, milliseconds(self.settings.store_timeout)
        output, rules = Output(url, timeout, self.run.id), self.rules
        events = self.events()
        total = events.count()
        tasks = tasks_for(total, self.spark.sparkContext.defaultParallelism)
        changes = by_user(events, tasks).mapInArrow(lambda batches: fold_users(batches, rules, output), CHANGES_DDL)
        rows = changes.repartition(tasks, "view", "key")
        written = rows.mapInArrow(lambda batches: write_rows(batches, output), WRITTEN_DDL)
        sizes = {row[0]: row[1] for row in written.groupBy("view").sum("rows", "bytes").collect()}
        self.write_rejected()
        self.say(f"folded {total:,} events: " + ", ".join(f"{n:,} {view}" for view, n in sorted(sizes.items())))
        return {"mode": "full", "events": total, "rows": sizes}

    def write_rejected(self) -> None:
        """Note the rejected records below the boundary in the run's facts."""
        views, book = batch_views(self.settings), generation_book(self.run.id)
        folded = views.read(book, FACTS, [FACTS_KEY]).get(FACTS_KEY)
        facts = Facts() if folded is None else unpack_facts(folded)
        noted = Facts(facts.as_of, facts.oldest_bucket, facts.events, self.rejected())
        views.put(book, {(FACTS, FACTS_KEY): pack_facts(noted)})

    def rejected(self) -> dict[str, int]:
        """How many records below the boundary were rejected, by reason."""
        version = self.run.metrics.get("rejected_version")
        found = self._lake.rejected_until(self.run.boundary.offsets, version=version)
        return {row["reason"]: row["count"] for row in found.groupBy("reason").count().collect()}

    @property
    def _lake(self) -> Lake:
        return Lake(self.spark, self.settings.lake_path)
