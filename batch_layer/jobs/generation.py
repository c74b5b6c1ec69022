"""One generation: boundary, ingest, fold, train, publish, drop.

``spark-submit --py-files millrace.zip batch_layer/jobs/generation.py [--full] [--reason R]``; ``millrace batch run``.
"""

import json
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from adapters.books import generation_book
from adapters.engine_errors import translated
from adapters.faults import fault_point
from adapters.lake import Lake
from adapters.log import Log
from adapters.opened import batch_views
from adapters.records import change_control, open_control, require_rules, require_same_record
from adapters.settings import Settings, milliseconds
from batch_layer.fold_step import CHANGES_DDL, by_user, fold_users, tasks_for, weighed
from batch_layer.jobs.lake_filler import LakeFiller
from batch_layer.train import MODEL, AlsSettings, interactions, model_rows, train
from batch_layer.write_step import WRITTEN_DDL, write_rows
from core.codec import Facts, pack_facts
from core.control import drop, forget_dropped, new_epoch, publish, record_boundary
from core.views import FACTS, FACTS_KEY, VIEWS
from schemas.control import Boundary, Control, Generation
from schemas.errors import MillraceError
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Say = Callable[[str], None]
RECORDS_AT_ONCE = 100_000  # a task holds no more of its partition than this


@dataclass
class BatchJob:
    """One run of the batch layer; ``run`` returns the generation it published."""

    spark: "SparkSession"
    log: Log
    settings: Settings
    say: Say

    def run(self, reason: str = "", full: bool = False, activate: bool | None = None) -> Generation:
        """Recompute everything below a boundary that is recorded first, and publish it.

        Args:
            activate: None: unless a rollback holds.
        Raises:
            MillraceError: refused or failed; nothing that readers see has changed.
        """
        try:
            return self._run(reason, full, activate)
        except Exception as error:
            raise translated(error) from error

    def _run(self, reason: str, full: bool, activate: bool | None) -> Generation:
        fault, started = fault_point(), time.monotonic()
        self.spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(RECORDS_AT_ONCE))
        views = batch_views(self.settings)
        views.check()
        identity, start = self.log.identity(), self.log.start_offsets()
        rules = replace(self.settings.rules, partitions=identity.partitions)
        control = open_control(views, identity, start, rules)
        if not full:
            require_rules(control, rules)
        self._finish_drop()
        boundary = self._record_boundary()
        fault("boundary")
        events = self._ingest(control, boundary, rules)
        fault("ingested")
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid.uuid4().hex[:6]}"
        metrics = self._compute(events, name, rules, boundary)
        fault("computed")
        metrics["seconds"] = round(time.monotonic() - started, 1)
        now = time.time_ns() // 1_000_000
        generation = Generation(name, boundary, rules.fingerprint(), now, reason, metrics)
        anew = _holds_more(control, events)

        def swap(each: Control) -> Control:
            require_same_record(each, control)
            if not full:
                require_rules(each, rules)  # a full run may have published others meanwhile
            changed = publish(each, generation, _activates(each, activate))
            return new_epoch(changed) if anew and each.epoch == changed.epoch > 0 else changed

        published = change_control(views, swap)
        fault("published")
        held = published.active != name
        self.say(f"published generation {name}" + (", not activated: a rollback holds" if held else ""))
        change_control(views, lambda each: drop(each, now))
        fault("dropped")
        return generation

    def _ingest(self, control: Control, boundary: Boundary, rules: Rules) -> "DataFrame":
        return LakeFiller(self.spark, self.log, self.settings, self.say).fill(control, boundary, rules)

    def _record_boundary(self) -> Boundary:
        """Rule 2: fixed by one compare-and-set before an event is read."""
        end, recorded = self.log.end_offsets(), []

        def record(control: Control) -> Control:
            changed, boundary = record_boundary(control, end)
            recorded.append(boundary)
            return changed

        change_control(batch_views(self.settings), record)
        self.say(f"boundary {recorded[-1].id}: {recorded[-1].offsets}")
        return recorded[-1]

    def _compute(self, lake_events: "DataFrame", name: str, rules: Rules, boundary: Boundary) -> dict[str, Any]:
        """Fold, add up and write every view of the generation, then its model."""
        url, timeout = self.settings.batch_views_url, milliseconds(self.settings.store_timeout)
        events = weighed(lake_events, rules)
        total = events.count()
        tasks = tasks_for(total, self.spark.sparkContext.defaultParallelism)
        changes = by_user(events, tasks).mapInArrow(
            lambda batches: fold_users(batches, rules, url, timeout, name), CHANGES_DDL
        )
        rows = changes.repartition(tasks, "view", "key")
        written = rows.mapInArrow(lambda batches: write_rows(batches, url, timeout, name), WRITTEN_DDL)
        sizes = written.groupBy("view").sum("rows", "bytes").collect()
        self._write_rejected(name, boundary)
        metrics: dict[str, Any] = {"events": total, "rows": {row[0]: row[1] for row in sizes}}
        self.say(
            f"folded {total:,} events: " + ", ".join(f"{n:,} {view}" for view, n in sorted(metrics["rows"].items()))
        )
        return metrics | {"als": self._train(events, name)}

    def _write_rejected(self, name: str, boundary: Boundary) -> None:
        """Count the rejected records below the boundary into the generation's facts."""
        views, book = batch_views(self.settings), generation_book(name)
        facts = pack_facts(Facts(rejected=self._rejected_below(boundary)))
        folded = views.read(book, FACTS, [FACTS_KEY]).get(FACTS_KEY)
        merged = facts if folded is None else VIEWS[FACTS].merge(folded, facts)
        views.put(book, {(FACTS, FACTS_KEY): merged})

    def _rejected_below(self, boundary: Boundary) -> dict[str, int]:
        lake = Lake(self.spark, self.settings.lake_path)
        counted = lake.rejected_until(boundary.offsets).groupBy("reason").count().collect()
        return {row["reason"]: row["count"] for row in counted}

    def _train(self, events: "DataFrame", name: str) -> dict[str, Any]:
        s = self.settings
        als = AlsSettings(s.als_factors, s.als_iterations, s.als_regularization, s.als_alpha)
        model = train(interactions(events).toArrow(), als)
        if model is None:
            return {}
        views, book = batch_views(self.settings), generation_book(name)
        for key, value in model_rows(model):
            views.put(book, {(MODEL, key): value})
        self.say(f"trained ALS with implicit: {len(model.items):,} items, {model.factors.shape[1]} factors")
        return {"items": len(model.items), "factors": model.factors.shape[1]}

    def _finish_drop(self) -> None:
        """Delete generations that left the pointer at least the grace period ago."""
        views = batch_views(self.settings)
        now, grace = time.time_ns() // 1_000_000, milliseconds(self.settings.grace)
        control = change_control(views, lambda each: each)
        if not control.dropping or now - control.dropped_at < grace:
            return
        for name in control.dropping:
            for space in views.spaces(generation_book(name)):
                views.delete(generation_book(name), space)
        deleted = set(control.dropping)
        change_control(views, lambda each: forget_dropped(each, deleted))
        self.say(f"deleted {len(deleted)} old generation(s)")


def _holds_more(control: Control, events: "DataFrame") -> bool:
    """Whether the lake has events from before a first generation's control record, as after that was lost.

    A speed layer that began meanwhile did so without their histories, so its epoch must end.
    """
    start = control.boundaries[0].offsets
    below = " or ".join(f"(partition = {p} and offset < {offset})" for p, offset in start.items())
    return control.active is None and any(start.values()) and not events.where(below).isEmpty()


def _activates(control: Control, wanted: bool | None) -> bool:
    return not control.held if wanted is None else wanted


def shown(generation: Generation) -> dict[str, Any]:
    """A generation as the commands print it."""
    return {**asdict(generation), "boundary": {str(p): offset for p, offset in generation.boundary.offsets.items()}}


def main() -> None:
    """The target of spark-submit: settings by environment and file, the log by MILLRACE_KAFKA."""
    import argparse

    from adapters.opening import open_log
    from adapters.settings import load_settings
    from adapters.spark import open_session

    parser = argparse.ArgumentParser(description="Publish one generation.")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--reason", default="spark-submit")
    arguments = parser.parse_args()
    settings = load_settings()
    with open_log(settings) as log:
        spark = open_session(settings, "millrace batch")
        job = BatchJob(spark, log, settings, lambda line: print(line, file=sys.stderr))
        try:
            print(json.dumps(shown(job.run(arguments.reason, arguments.full))))
        except MillraceError as error:
            sys.exit(f"millrace: {error}")


if __name__ == "__main__":
    main()
