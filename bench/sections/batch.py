"""The batch layer: events a second of a full recompute from the lake into each store, against two usual ways.

Ours folds all events of the lake from empty histories, adds up and writes every view (sums, counts, histories, seen
sets) into the store; nothing is cached from one repetition to the next. Log and lake grow from size to size by shards
of new users, each as large as the first size, so that a user has as many events at every size, as in a shop that grows.
The baselines read the same lake and store nothing, which favours them; they get the events of every
``baseline_share``-th user, as a self-join's cost grows with the square of a user's items:

- ``self-join``: the greatest weight of each user and item, joined with itself by user, the smaller of both summed by
  pair: no last N items, no window of time, no duplicates, no order.
- ``window``: each event with the user's ``N - 1`` before it by a window function, exploded and summed by pair: nearest
  to the fold, but an item that comes again counts again.

Memory is the proportional one of driver, Spark's Java and Python workers together, sampled; the stores are not in it.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.lake.tables import Lake
from adapters.log.kafka_log import Log
from adapters.settings import Settings
from adapters.stores.opened import batch_views
from batch_layer.runs.lifecycle import Runs, Wish, delete_book
from bench.sections.als import compared
from bench.setting import SEED, Findings, PeakMemory, fresh_home, machine, seconds, spread
from datasets.synthetic.generator import GeneratorSettings, World, live_events
from tests.kit.cassandra import cassandra_server, run_cql

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ITEMS, EVENTS_PER_USER, DAYS_MS = 20_000, 80, 30 * 86_400_000
LOOK_SECONDS = 0.1


def run(
    sizes: tuple[int, ...] = (1_000_000, 4_000_000, 16_000_000), repeats: int = 5, on_cassandra: int = 4_000_000,
    baseline_share: int = 10, als_factors: int = 50, als_sweeps: int = 6,
) -> dict[str, object]:  # fmt: skip
    """Return rates as medians with spread; larger sizes are repeated less often.

    Args:
        sizes: multiples of the first.      on_cassandra: up to this size on Cassandra, too; 0: it is not started.
        als_factors: 0 leaves ALS out.
    """
    findings = Findings({"machine": machine()})
    with ExitStack() as stack:
        settings, log = stack.enter_context(fresh_home())
        stores = {"SQLite": settings}
        if on_cassandra:
            stores["Cassandra"] = settings.changed(batch_views=_keyspace(stack))
        from adapters.engine.session import open_session

        bench = Bench(open_session(settings, "bench"), log, settings, sizes[0])
        for size in sizes:
            findings |= bench.ingest(size)
            for name, mine in stores.items():
                if name == "SQLite" or size <= on_cassandra:
                    findings |= bench.compute(name, mine, max(1, repeats * sizes[0] // size), size == sizes[0])
            if size == sizes[0]:
                findings |= bench.baselines(baseline_share, repeats)
                findings |= (
                    compared(bench.events(), als_factors, als_sweeps, f"{settings.home}/als") if als_factors else {}
                )
        if len(sizes) > 1:
            cost = [1 / median(bench.rates["SQLite", size]) for size in sizes]
            findings["SQLite, time an event at each size, times that at the first"] = [
                round(c / cost[0], 2) for c in cost
            ]
    return findings


def _keyspace(stack: ExitStack) -> str:
    port = stack.enter_context(cassandra_server())
    run_cql(port, "CREATE KEYSPACE bench WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    return f"cassandra://127.0.0.1:{port}/bench"


@dataclass
class Bench:
    """One log and lake that grow, and what was measured on them: events a second by store and size."""

    spark: "SparkSession"
    log: Log
    settings: Settings
    shard: int
    size: int = 0
    rates: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def ingest(self, size: int) -> dict[str, object]:
        """Bring the log, and then the lake, to that many events."""
        new, started = size - self.size, time.monotonic()
        appender, now = self.log.appender(), time.time_ns() // 1_000_000
        world = World(GeneratorSettings(max(1, self.shard // EVENTS_PER_USER), ITEMS, self.shard, SEED, now))
        for number in range(self.size // self.shard, size // self.shard):
            appender.append_all(self.log.topics.events, _shard(world, number, self.shard, now))
        produced = time.monotonic()
        self._step("ingest", self.settings, self._begin(self.settings))
        self.size = size
        return {
            f"{size:,} events: produced, s": round(produced - started, 1),
            f"{size:,} events: ingest of the new, events/s": round(new / (time.monotonic() - produced)),
        }

    def compute(self, name: str, settings: Settings, repeats: int, warm_up: bool) -> dict[str, object]:
        """Measure full recomputes, each a run of its own that is deleted again, after one that warms up."""
        where, rates, stages, views = f"{name}, {self.size:,} events", list[float](), list[list[float]](), 0.0
        with PeakMemory() as peak:
            for number in range(repeats + warm_up):
                run = self._begin(settings)
                self._step("ingest", settings, run)
                with _stages(self.spark) as active:
                    (views,) = seconds(lambda run=run: self._step("compute", settings, run), 1)  # type: ignore[misc]
                if number >= warm_up:
                    rates.append(self.size / views)
                    stages.append(sorted((s for s in active.values() if s > views / 20), reverse=True))
                delete_book(batch_views(settings), run)
        self.rates[name, self.size] = rates
        return {
            f"{where}: full recompute, events/s": spread(rates, 0),
            f"{where}: longest stages of Spark, s": [round(stage_seconds, 1) for stage_seconds in stages[-1]],
            f"{where}: peak memory, MiB": round(peak.mib),
        }

    def baselines(self, share: int, repeats: int) -> dict[str, object]:
        """Measure the usual ways on every ``share``-th user's events; return how many times as fast ours is."""
        from pyspark.sql import functions as F

        events = self.events().where(F.crc32("user_id") % share == 0).persist()
        count, ours = events.count(), median(self.rates["SQLite", self.size])
        findings: dict[str, object] = {"baselines: events": count}
        for name, pairs in (("self-join", self_join(events)), ("window", windowed(events))):
            took = seconds(lambda pairs=pairs: pairs.write.format("noop").mode("overwrite").save(), repeats)  # type: ignore[misc]
            rates = [count / taken for taken in took]
            findings[f"{name}, events/s"] = spread(rates, 0)
            findings[f"ours on SQLite, times {name}"] = round(ours / median(rates), 1)
        events.unpersist()
        return findings

    def events(self) -> "DataFrame":
        """Return all that the lake holds."""
        lake = Lake(self.spark, self.settings.lake_path)
        return lake.weighed(lake.stretch(self.settings.rules, self.log.end_offsets()))

    def _begin(self, settings: Settings) -> str:
        return Runs(batch_views(settings), settings, _silent).begin(self.log, Wish("bench", full=True)).id

    def _step(self, step: str, settings: Settings, run: str) -> dict[str, Any]:
        from batch_layer.jobs.generation import BatchJob

        return BatchJob(self.spark, self.log, settings, _silent).step(step, run)


def _silent(_: str) -> None:
    """Say nothing."""


def _shard(world: World, number: int, count: int, now: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield events of users that no other shard has."""
    for event in live_events(world, number, count, (now - DAYS_MS, now)):
        event["user_id"] += f"-{number}"
        yield event["user_id"].encode(), msgspec.json.encode(event)


def self_join(events: "DataFrame") -> "DataFrame":
    """Return co-ratings of all pairs that a user ever rated."""
    from pyspark.sql import functions as F

    rated = events.where("weight > 0").groupBy("user_id", "item_id").agg(F.max("weight").alias("rating"))
    other = rated.select("user_id", F.col("item_id").alias("other"), F.col("rating").alias("other_rating"))
    pairs = rated.join(other, "user_id").where("item_id <> other")
    return pairs.groupBy("item_id", "other").agg(F.sum(F.least("rating", "other_rating")))


def windowed(events: "DataFrame") -> "DataFrame":
    """Return co-ratings of each event with the 19 before it."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    before = Window.partitionBy("user_id").orderBy("offset").rowsBetween(-19, -1)
    recent = F.collect_list(F.struct(F.col("item_id").alias("other"), F.col("weight").alias("w"))).over(before)
    rated = events.where("weight > 0").select("item_id", "weight", recent.alias("recent"))
    exploded = rated.select("item_id", "weight", F.explode("recent").alias("b"))
    pairs = exploded.where("item_id <> b.other").select("item_id", "b.other", F.least("weight", "b.w").alias("amount"))
    both = pairs.union(pairs.select("other", "item_id", "amount"))
    return both.groupBy("item_id", "other").sum("amount")


@contextmanager
def _stages(spark: "SparkSession") -> Iterator[Counter[int]]:
    """Measure how many seconds each of Spark's stages worked while the block ran, by repeated looks."""
    active, ended, tracker = Counter[int](), threading.Event(), spark.sparkContext.statusTracker()

    def look() -> None:
        before = time.monotonic()
        while not ended.wait(LOOK_SECONDS):
            now = time.monotonic()
            for stage in tracker.getActiveStageIds():
                active[stage] += now - before  # type: ignore[assignment]
            before = now

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield active
    finally:
        ended.set()
        watcher.join()
