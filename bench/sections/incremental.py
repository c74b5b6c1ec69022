"""A generation's sums from the previous one's, against a full recompute, by how much is new and how long the past.

One log for each size: its past becomes a generation; then the log grows, and at each share of new events a run is
computed both ways, in turn, into a book that is deleted again. Ingest (of the new events alone) is timed by itself;
boundary and publication are two changes of one record. Training and evaluation take the same either way and are left
out.
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

import msgspec

from adapters.log.kafka_log import Log
from adapters.settings import Settings
from adapters.stores.opened import batch_views
from batch_layer.jobs.generation import BatchJob
from batch_layer.jobs.view_maker import ViewMaker
from batch_layer.runs.lifecycle import Runs, Wish, delete_book
from bench.setting import SEED, Findings, fresh_home, machine, spread
from datasets.synthetic.generator import GeneratorSettings, World, generate_events
from schemas.control import Generation, Run

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EVENTS_PER_USER = 20


def run(
    sizes: tuple[int, ...] = (1_000_000, 8_000_000), shares: tuple[float, ...] = (0.01, 0.05, 0.2),
    items: int = 20_000, repeats: int = 5, views: str = "",
) -> dict[str, object]:  # fmt: skip
    """Return seconds of either way and their ratio, for each size of the past and share of new events.

    Args: views: where to write, such as ``redis://…``; empty: SQLite.
    """
    findings = Findings({"machine": machine(), "items": items, "views": views.partition(":")[0] or "sqlite"})
    for size in sizes:
        with fresh_home() as (settings, log):
            from adapters.engine.session import open_session

            spark = open_session(settings, "bench")
            course = Course(spark, log, settings.changed(batch_views=views, evaluation_events=0, gate_items=0))
            findings |= course.run(size, sorted(shares), items, repeats)
            spark.stop()
    return findings


class Course:
    """One log that grows."""

    def __init__(self, spark: "SparkSession", log: Log, settings: Settings) -> None:
        self._log, self._settings = log, settings
        self._job = BatchJob(spark, log, settings, lambda _: None)
        self._runs = Runs(batch_views(settings), settings, lambda _: None)

    def run(self, size: int, shares: list[float], items: int, repeats: int) -> dict[str, object]:
        users, most = max(1, size // EVENTS_PER_USER), int(size * (1 + shares[-1]))
        made = generate(most, users, items)
        self._produce(made, size)
        base = self._published()
        findings, sent = dict[str, object](), size
        for share in shares:
            self._produce(made, int(size * (1 + share)) - sent)
            sent = int(size * (1 + share))
            name = f"{size:,} events and {share:.0%} more"
            findings |= {f"{name}: {what}": text for what, text in self._both(base, repeats).items()}
        return findings

    def _produce(self, made: Iterator[tuple[bytes, bytes]], count: int) -> None:
        self._log.appender().append_all(self._log.topics.events, itertools.islice(made, count))

    def _published(self) -> Generation:
        """Publish the past: ingested, computed, and active without a model."""
        begun = self._ingested()
        metrics = self._maker(begun).write("the first")
        for step in ("compute", "train", "evaluate", "gate"):
            self._runs.note(begun, step, metrics)
        self._job.step("publish", begun.id)
        generation = self._runs.control().generation(begun.id)
        assert generation is not None
        return generation

    def _ingested(self) -> Run:
        name = self._runs.begin(self._log, Wish()).id
        self._job.step("ingest", name)
        run = self._runs.find(name)[1]
        assert isinstance(run, Run)
        return run

    def _both(self, base: Generation, repeats: int) -> dict[str, str]:
        begun = self._ingested()
        seconds: dict[str, list[float]] = {"incremental": [], "full": []}
        for _ in range(repeats):
            for way, start in (("incremental", base), ("full", "asked for")):
                began = time.monotonic()
                self._maker(begun).write(start)
                seconds[way].append(time.monotonic() - began)
                delete_book(batch_views(self._settings), begun.id)
        findings = {f"{way}, s": spread(taken, 1) for way, taken in seconds.items()}
        times = median(seconds["full"]) / median(seconds["incremental"])
        ingest = begun.metrics["step_seconds"]["ingest"]
        return {**findings, "full, times incremental": f"{times:.1f}", "ingest, s": f"{ingest:.1f}"}

    def _maker(self, begun: Run) -> ViewMaker:
        rules = replace(self._settings.rules, partitions=len(begun.boundary.offsets))
        return ViewMaker(self._job.engine, self._settings, lambda _: None, begun, rules)


def generate(events: int, users: int, items: int) -> Iterator[tuple[bytes, bytes]]:
    """Return (user, value) in the order of time."""
    world = World(GeneratorSettings(users, items, events, SEED, time.time_ns() // 1_000_000))
    made = generate_events(world.settings, world)
    return ((event["user_id"].encode(), msgspec.json.encode(event)) for event in made)
