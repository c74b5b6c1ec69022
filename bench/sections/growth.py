"""How the speed layer grows: with the events that came before a micro-batch, and with partitions and executors.

``after``: one log applied from its beginning in micro-batches of one size, with no batch run in between, so that
nothing ever relieves the segment; only micro-batches right after the given numbers of events count.

``partitions`` and ``executors``: the same events in topics of 1, 2 and 4 partitions, applied into Redis by executors
with one core each, as processes of a Spark standalone cluster on this machine. Driver, broker, Redis and executors
share its cores, so this shows what the split costs and allows, not what more machines would give.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from adapters.settings import Settings
from bench.cluster import applied, spark_cluster
from bench.sections.throughput import ITEMS, MICRO_BATCH, USERS, apply
from bench.setting import SPREAD, Findings, fresh_home, machine, produce, spread
from tests.kit.redis import redis_server

LAST = 2  # micro-batches beyond the last that counts: the log's end comes in a smaller one


def run(
    earlier: tuple[int, ...] = (1_000_000, 5_000_000, 20_000_000), batches: int = 5, size: int = MICRO_BATCH,
    partitions: tuple[int, ...] = (1, 2, 4), executors: tuple[int, ...] = (1, 2), spread_events: int = 2_000_000,
    stores: tuple[str, ...] = ("Redis", "SQLite"), load: str = SPREAD,
) -> dict[str, object]:  # fmt: skip
    """Return seconds of a micro-batch, and events a second, as medians with spread.

    Args: size: events of a micro-batch.      spread_events: of each run on the cluster; 0 leaves that part out.
        load: of the part ``after``, clustered or spread.
    """
    findings = Findings({"machine": machine(), "events of a micro-batch": size})
    if earlier[-1] > 0:
        findings |= _after(earlier, batches, size, stores, load)
    for parts in partitions if spread_events else ():
        for workers in executors:
            rates = _spread(parts, workers, spread_events, size)
            findings[f"{parts} partition(s), {workers} executor(s), events/s"] = spread(rates, 0)
    return findings


def _after(earlier: tuple[int, ...], batches: int, size: int, stores: tuple[str, ...], load: str) -> dict[str, object]:
    """Measure store after store in one session."""
    findings: dict[str, object] = {}
    with fresh_home() as (settings, log), redis_server() as redis:
        from adapters.engine.session import open_session

        produce(log, max(earlier) + (batches + LAST) * size, USERS, ITEMS, kind=load)
        spark = open_session(settings, "bench")
        for name in stores:
            marks = apply(spark, log, _on(settings, name, f"{redis}/0", size)).marks
            first = None
            for number in earlier:
                took = _seconds(marks, number, size)[:batches]
                first = first or median(took)
                findings[f"{name}, after {number:,} events, s a micro-batch"] = spread(took)
                findings[f"{name}, after {number:,} events, times the first"] = round(median(took) / first, 2)
    return findings


def _on(settings: Settings, name: str, redis: str, size: int) -> Settings:
    """Return a control record of its own for each store, so that each begins at the log's beginning."""
    batch = f"sqlite:///{Path(settings.home).absolute() / f'batch-{name}.sqlite'}"
    speed = redis if name == "Redis" else ""
    return settings.changed(speed_views=speed, batch_views=batch, max_events_per_batch=size)


def _seconds(marks: list[tuple[float, int]], past: int, size: int) -> list[float]:
    """Return seconds from commit to commit of whole micro-batches after ``past`` events, scaled to ``size`` events."""
    steps = itertools.pairwise(marks[1:])
    return [(t - s) * size / (n - m) for (s, m), (t, n) in steps if m >= past and n - m > size / 2]


def _spread(partitions: int, executors: int, events: int, size: int) -> list[float]:
    with _partitions(partitions), redis_server() as redis, fresh_home() as (settings, log):
        produce(log, events, USERS, ITEMS)
        with spark_cluster(executors, settings.home) as master:
            return applied(
                settings.home, events // 4, MILLRACE_SPARK_MASTER=master, MILLRACE_SPEED_VIEWS=f"{redis}/0",
                MILLRACE_BATCH_VIEWS=f"{redis}/1", MILLRACE_MAX_EVENTS_PER_BATCH=str(size),
            )  # fmt: skip


@contextmanager
def _partitions(number: int) -> Iterator[None]:
    """Set the number of partitions of the topic that the next home's log makes."""
    os.environ["MILLRACE_PARTITIONS"] = str(number)
    try:
        yield
    finally:
        del os.environ["MILLRACE_PARTITIONS"]
