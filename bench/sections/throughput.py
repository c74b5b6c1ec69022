"""Speed layer, Kafka to stored views, steady state, on SQLite and on Redis, against two usual ways in the same run.

Two loads: ``clustered``, the generator's, and ``spread`` (``bench.spread_load``), whose changes fall on many more rows.
Ours runs through one long log of each with default settings, on each engine that is named. What counts are the
micro-batches after ``PAST`` events, when nearly all histories are full and no batch run has relieved the segment.
Beside them stand the rate of the whole log, with the engine's start, and the processor time of a million events without
that of the broker and of Redis: on a shared machine it says more than rates do.

The baselines read the log's end (``baselines=0``: none):

- ``Spark state``: the same fold per user as ``applyInPandasWithState``, emitting pair deltas that Spark adds up; in
  every second micro-batch they are stored by one Redis hash increment a pair, in the others nobody stores them. Its
  histories begin empty, which favours it.
- ``increments``: our fold step with the histories as they stand, then one Redis hash increment a pair, pipelined, and
  no histories written, which favours it.
"""

import time
from itertools import product
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from adapters.log.kafka_log import Log
from adapters.settings import Settings
from bench.baselines import by_increments, by_spark_state
from bench.setting import CLUSTERED, SPREAD, Findings, fresh_home, machine, produce, spent_seconds, spread
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
        self.spent = 0.0  # processor seconds

    def note(self, tally: Tally, seconds: float) -> None:
        super().note(tally, seconds)
        self.marks.append((time.monotonic(), self.events))

    def rates(self, past: int) -> list[float]:
        """Return events a second of each whole micro-batch after ``past`` events, from commit to commit."""
        steps = zip(self.marks, self.marks[1:-1], strict=False)
        return [(n - m) / (t - s) for (s, m), (t, n) in steps if m >= past]


def run(
    events: int = EVENTS,
    past: int = PAST,
    loads: tuple[str, ...] = (CLUSTERED, SPREAD),
    engines: tuple[str, ...] = ("spark", "local"),
    stores: tuple[str, ...] = ("SQLite", "Redis"),
    baselines: int = 1,
) -> dict[str, object]:
    """Return events a second of ours and the baselines, and their ratios, with each of the loads."""
    findings = Findings({"machine": machine(), "events": events, "of them before the first that counts": past})
    for load in loads:
        with fresh_home() as (settings, log), redis_server() as redis:
            produce(log, events, USERS, ITEMS, kind=load)
            ours = {}
            for number, (engine, name) in enumerate(product(engines, stores)):
                mine = _own(settings, engine, name, f"{redis}/{number}")
                ours[f"{load}: {engine}, {name}"] = applied = _applied(log, mine)
                findings |= _figures(f"{load}: {engine}, {name}", applied, events, past)
            if baselines:
                findings |= _against(log, mine, redis, {what: applied.rates(past) for what, applied in ours.items()})
    return findings


def _figures(what: str, applied: Recorder, events: int, past: int) -> dict[str, object]:
    begun, ended = applied.marks[0][0], applied.marks[-1][0]
    return {
        f"{what}, events/s": spread(applied.rates(past) or applied.rates(0), 0),
        f"{what}, events/s of the whole log, start included": round(events / (ended - begun)),
        f"{what}, processor seconds of a million events": round(1e6 * applied.spent / events, 1),
        f"{what}, micro-batches": len(applied.marks) - 1,
    }


def _against(log: Log, settings: Settings, redis: str, ours: dict[str, list[float]]) -> dict[str, object]:
    """Measure the baselines, which need Spark, and return ours in their terms."""
    from adapters.engine.session import open_session

    spark = open_session(settings, "bench")
    increments = by_increments(spark, log, settings, f"{redis}/14", MICRO_BATCH)
    stored, state = by_spark_state(spark, log, settings, f"{redis}/15", STATE_EVENTS)
    findings: dict[str, object] = {}
    for what, rates in ours.items():
        findings[f"{what}, times Spark state"] = spread([rate / median(stored) for rate in rates], 1)
        findings[f"{what}, times Spark state with nothing stored"] = spread([rate / median(state) for rate in rates], 1)
        findings[f"{what}, times increments"] = spread([rate / median(increments) for rate in rates], 1)
    findings["Spark state, events/s"] = spread(stored, 0)
    findings["Spark state with nothing stored, events/s"] = spread(state, 0)
    findings["increments, events/s"] = spread(increments, 0)
    return findings


def _applied(log: Log, settings: Settings) -> Recorder:
    """Run the speed layer through all of the log on the engine of the settings; notes the processor time, too."""
    spent = spent_seconds()
    if settings.speed.engine == "local":
        recorder = apply(None, log, settings)
    else:
        from adapters.engine.session import open_session

        recorder = apply(open_session(settings, "bench"), log, settings)
    recorder.spent = spent_seconds() - spent
    return recorder


def apply(spark: "SparkSession | None", log: Log, settings: Settings) -> Recorder:
    """Run the speed layer through all of the log; ``spark``: the session of an engine that needs one."""
    from speed_layer.jobs.engines import engine_of
    from speed_layer.jobs.stream import SpeedJob

    job = SpeedJob(engine_of(settings, spark), log, settings, lambda _: None)
    job.progress = recorder = Recorder()
    job.run(available_now=True)
    return recorder


def _own(settings: Settings, engine: str, store: str, redis: str) -> Settings:
    """Return settings with views of their own, so that each begins at the log's beginning."""
    folder = Path(settings.home).absolute()
    speed = redis if store == "Redis" else f"sqlite:///{folder}/speed-{engine}.sqlite"
    return settings.changed(
        speed_views=speed, batch_views=f"sqlite:///{folder}/batch-{engine}-{store}.sqlite", speed_engine=engine
    )
