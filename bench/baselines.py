"""How the same work is usually done, for comparison."""

import itertools
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adapters.engine.kafka_source import as_json, read_range, source_options
from adapters.log.kafka_log import Log
from adapters.records.books import SPEED
from adapters.records.control import read_position
from adapters.settings import Settings
from adapters.stores.opened import speed_views, store
from core.events.parse import parse_columns
from core.fold.columns import fold_columns, users_of
from core.fold.slow import SlowHistory, SlowView
from core.rows.codec import unpack_sums
from core.rows.views import HISTORY, PAIRS
from schemas.control import Offsets
from schemas.event import RECORD_COLUMNS, Event
from schemas.rules import Rules
from speed_layer.steps.rows import keys_of

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

RUNS = 5
PIPELINE = 10_000


def last(log: Log, events: int) -> tuple[Offsets, Offsets]:
    """Return the range of the log's last events."""
    end = log.end_offsets()
    return {p: max(0, offset - events // len(end)) for p, offset in end.items()}, end


def by_increments(spark: "SparkSession", log: Log, settings: Settings, redis: str, events: int) -> list[float]:
    """Return events a second of folding the log's end with the speed view's histories and HINCRBY for each pair."""
    start, end = last(log, events)
    position = read_position(speed_views(settings))
    assert position is not None
    space, rules, rates = f"{position.epoch}/{HISTORY}", replace(settings.rules, partitions=len(end)), []
    for _ in range(RUNS):
        records = read_range(spark, settings, log.bootstrap, start, end).coalesce(spark.sparkContext.defaultParallelism)
        began = time.monotonic()
        counted = records.mapInArrow(
            lambda batches: _increment(batches, rules, settings.speed_views_url.reveal(), space, redis), "n bigint"
        ).collect()
        rates.append(sum(row[0] for row in counted) / (time.monotonic() - began))
    return rates


def _increment(
    batches: Iterable[pa.RecordBatch], rules: Rules, speed: str, space: str, redis: str
) -> Iterator[pa.RecordBatch]:
    from redis import Redis

    for given in batches:
        events, _ = parse_columns(pa.RecordBatch.from_arrays(given.columns, schema=RECORD_COLUMNS), rules)
        users = keys_of(users_of(events).to_pylist())
        histories = store(speed, 10_000).read(SPEED, space, users)
        known = pa.array([_base_of(histories.get(user)) for user in users], pa.binary())
        renamed = events.set_column(3, "event_id", pa.array([f"again-{k}" for k in range(events.num_rows)]))
        segments = pa.array([0] * events.num_rows, pa.int64()).to_numpy()
        with Redis.from_url(redis) as client, client.pipeline(transaction=False) as pipeline:
            for change in fold_columns(renamed, segments, known, rules):
                if change.view != PAIRS:
                    continue
                for key, value in zip(change.keys.to_pylist(), change.values.to_pylist(), strict=True):
                    for name, amount in unpack_sums(value).items():
                        pipeline.hincrby(b"pairs:" + key, name, amount)
                    if len(pipeline) >= PIPELINE:
                        pipeline.execute()
            pipeline.execute()
        yield pa.RecordBatch.from_arrays([pa.array([events.num_rows])], ["n"])


def _base_of(stored: bytes | None) -> bytes | None:
    from core.rows.tagged import settle
    from core.rows.views import VIEWS
    from schemas.control import Position

    everything = Position(0, "", "", 0, {}, attempt=2**60)
    return None if stored is None else settle(stored, everything, VIEWS[HISTORY].merge)


def by_spark_state(
    spark: "SparkSession", log: Log, settings: Settings, redis: str, events: int
) -> tuple[list[float], list[float]]:
    """Measure events a second of ``applyInPandasWithState`` in micro-batches of that size, without the first.

    Returns: of those whose sums were stored, by one Redis hash increment a pair, and of those that nobody stored.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.streaming.state import GroupStateTimeout

    start, _ = last(log, events * 2 * (RUNS + 1))
    options = source_options(settings, log.bootstrap)
    options |= {"startingOffsets": as_json(settings, start), "maxOffsetsPerTrigger": str(events)}
    fields = "event_id string, event_time bigint, kind string, user_id string, item_id string"
    parsed = spark.readStream.format("kafka").options(**options).load()
    parsed = parsed.select(F.from_json(F.col("value").cast("string"), fields).alias("e")).select("e.*")
    deltas = parsed.groupBy("user_id").applyInPandasWithState(
        _fold_state(settings.rules), "p string, q string, amount bigint", "state string", "append",
        GroupStateTimeout.NoTimeout,
    )  # fmt: skip
    marks: list[float] = [time.monotonic()]

    def add_up(frame: "DataFrame", number: int) -> None:
        sums = frame.groupBy("p", "q").agg(F.sum("amount").alias("amount"))
        if number % 2:
            sums.mapInArrow(lambda batches: _stored(batches, redis), "n bigint").collect()
        else:
            sums.write.format("noop").mode("overwrite").save()
        marks.append(time.monotonic())

    writer = deltas.writeStream.foreachBatch(add_up).trigger(availableNow=True)
    writer.option("checkpointLocation", str(settings.home / "baseline-state")).start().awaitTermination()
    rates = [events / (b - a) for a, b in itertools.pairwise(marks)]
    return rates[1 : 2 * RUNS + 1 : 2], rates[2 : 2 * RUNS + 1 : 2]


def _stored(batches: Iterable[pa.RecordBatch], redis: str) -> Iterator[pa.RecordBatch]:
    from redis import Redis

    with Redis.from_url(redis) as client, client.pipeline(transaction=False) as pipeline:
        for given in batches:
            for p, q, amount in zip(*(column.to_pylist() for column in given.columns), strict=True):
                pipeline.hincrby("pairs:" + p, q, amount)
                if len(pipeline) >= PIPELINE:
                    pipeline.execute()
            pipeline.execute()
            yield pa.RecordBatch.from_arrays([pa.array([given.num_rows])], ["n"])


def _fold_state(rules: Rules) -> Any:
    """Return the per-user function: its state is the history as JSON."""

    def fold(key: Any, frames: "Iterator[pd.DataFrame]", state: Any) -> "Iterator[pd.DataFrame]":
        import pandas as pd

        view, (user,) = SlowView(), key
        if state.exists:
            entries, ids = json.loads(state.get[0])
            known = {item: (rating, last_time) for item, (rating, last_time) in entries.items()}
            view.histories[user] = SlowHistory(known, ids)
        for frame in frames:
            row: Any
            for row in frame.itertuples():
                weight = rules.kinds.get(row.kind, 0)
                thousandths = round(float(weight) * 1000) if not isinstance(weight, str) else 0
                view.take(
                    Event(0, 0, row.event_time, row.event_id, row.event_time, row.kind, user, row.item_id, None,
                          thousandths, None), rules,
                )  # fmt: skip
        history = view.histories[user]
        state.update((json.dumps([history.entries, history.ids]),))
        rows = [(p, q, amount) for (p, q), amount in view.pairs.items()]
        yield pd.DataFrame(rows, columns=["p", "q", "amount"])

    return fold
