"""Speed layer, Kafka to stored views, steady state, on SQLite and on Redis, against two usual ways in the same run.

Two loads: ``clustered``, the generator's, and ``spread`` (``bench.spread_load``), whose changes fall on many more rows.
Ours runs through one long log of each with default settings. What counts are the micro-batches after ``PAST`` events,
when nearly all histories are full and no batch run has relieved the segment. The baselines read the log's end:

- ``Spark state``: the same fold per user as ``applyInPandasWithState``, emitting pair deltas that Spark adds up; in
  every second micro-batch they are stored by one Redis hash increment a pair, in the others nobody stores them. Its
  histories begin empty, which favours it.
- ``increments``: our fold step with the histories as they stand, then one Redis hash increment a pair, pipelined, and
  no histories written, which favours it.
"""

import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from adapters.log.kafka_log import Log
from adapters.settings import Settings
from bench.baselines import by_increments, by_spark_state
from bench.setting import CLUSTERED, SPREAD, Findings, fresh_home, machine, produce, spread
from speed_layer.progress import Progress
from speed_layer.steps.micro_batch import Tally
from tests.kit.redis import redis_server

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

USERS, ITEMS = 50_000, 20_000
MICRO_BATCH = 400_000  # of the increments baseline, and where micro-batches of one size are compared
EVENTS, PAST = 6_000_000, 4_000_000
STATE_EVENTS = 100_000  # of one micro-batch of the Spark state baseline: it is slow


class Recorder(Progress):
    """Keeps the moment and size of each micro-batch."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.marks = [(time.monotonic(), 0)]

    def note(self, tally: Tally, seconds: float) -> None:
        super().note(tally, seconds)
        self.marks.append((time.monotonic(), self.events))

    def rates(self, past: int) -> list[float]:
        """Return events a second of each whole micro-batch after ``past`` events, from commit to commit."""
        steps = zip(self.marks, self.marks[1:-1], strict=False)
        return [(n - m) / (t - s) for (s, m), (t, n) in steps if m >= past]


def run(events: int = EVENTS, past: int = PAST, loads: tuple[str, ...] = (CLUSTERED, SPREAD)) -> dict[str, object]:
    """Return events a second of ours and the baselines, and their ratios, with each of the loads."""
    findings = Findings({"machine": machine(), "events": events, "of them before the first that counts": past})
    for load in loads:
        findings |= {f"{load}: {what}": measured for what, measured in _with(load, events, past).items()}
    return findings


def _with(load: str, events: int, past: int) -> dict[str, object]:
    """Measure one log of one load with default settings."""
    with fresh_home() as (settings, log), redis_server() as redis:
        from adapters.engine.session import open_session

        produce(log, events, USERS, ITEMS, kind=load)
        spark = open_session(settings, "bench")
        ours: dict[str, list[float]] = {}
        for name, url in (("SQLite", ""), ("Redis", f"{redis}/0")):
            mine = settings.changed(speed_views=url, batch_views=_own(settings, name))
            ours[name] = apply(spark, log, mine).rates(past)
        increments = by_increments(spark, log, mine, f"{redis}/1", MICRO_BATCH)
        stored, state = by_spark_state(spark, log, settings, f"{redis}/2", STATE_EVENTS)
    findings: dict[str, object] = {}
    for name, rates in ours.items():
        findings[f"{name}, events/s"] = spread(rates, 0)
        findings[f"{name}, times Spark state"] = spread([rate / median(stored) for rate in rates], 1)
        findings[f"{name}, times Spark state with nothing stored"] = spread([rate / median(state) for rate in rates], 1)
        findings[f"{name}, times increments"] = spread([rate / median(increments) for rate in rates], 1)
    findings["Spark state, events/s"] = spread(stored, 0)
    findings["Spark state with nothing stored, events/s"] = spread(state, 0)
    findings["increments, events/s"] = spread(increments, 0)
    return findings


def apply(spark: "SparkSession", log: Log, settings: Settings) -> Recorder:
    """Run the speed layer through all of the log."""
    from speed_layer.jobs.engines import engine_of
    from speed_layer.jobs.stream import SpeedJob

    job = SpeedJob(engine_of(settings, spark), log, settings, lambda _: None)
    job.progress = recorder = Recorder()
    job.run(available_now=True)
    return recorder


def _own(settings: Settings, name: str) -> str:
    """Return a control record of its own for each, so that both begin at the log's beginning."""
    path = Path(settings.home).absolute() / f"batch-{name}.sqlite"
    return f"sqlite:///{path}"
