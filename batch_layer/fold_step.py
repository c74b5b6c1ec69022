"""Lake to changes: each user's events, in log order, folded from an empty history by the fold both layers share."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from adapters.books import generation_book
from adapters.opened import store
from core.fold import Changes, fold_columns, users_of
from core.views import VIEWS
from schemas.event import EVENT_COLUMNS, REMOVE, WEIGHT_SCALE
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CHANGES = pa.schema([("view", pa.string()), ("key", pa.binary()), ("value", pa.binary())])
CHANGES_DDL = "view string, key binary, value binary"
EVENTS_AT_ONCE = 200_000  # one fold's memory: about 2 kB an event


def weighed(events: "DataFrame", rules: Rules) -> "DataFrame":
    """The lake's events as ``EVENT_COLUMNS``; a kind that is no longer configured weighs nothing."""
    from pyspark.sql import functions as F

    weight: Column = F.lit(0)
    for kind, given in rules.kinds.items():
        if given == "value":
            own = F.rint(F.coalesce("value", F.lit(0.0)) * WEIGHT_SCALE).cast("bigint")
        else:
            own = F.lit(REMOVE if given == "remove" else round(float(given) * WEIGHT_SCALE))
        weight = F.when(F.col("kind") == kind, own).otherwise(weight)
    named = events.withColumn("weight", weight.cast("bigint"))
    return named.select(*EVENT_COLUMNS.names)


def by_user(events: "DataFrame", partitions: int) -> "DataFrame":
    """All events of a user together and in log order."""
    return events.repartition(partitions, "user_id").sortWithinPartitions("user_id", "offset")


def fold_users(
    batches: Iterable[pa.RecordBatch], rules: Rules, views_url: str, timeout_ms: int, generation: str
) -> Iterator[pa.RecordBatch]:
    """Events ordered by user in, ``CHANGES`` of the summed views out; histories and seen sets are written here."""
    views, book = store(views_url, timeout_ms), generation_book(generation)
    for events in whole_users(batches, EVENTS_AT_ONCE):
        segments = np.zeros(events.num_rows, np.int64)
        nobody = pa.nulls(len(users_of(events)), pa.binary())
        for change in fold_columns(events, segments, nobody, rules):
            if VIEWS[change.view].shared:
                yield _as_rows(change)
            else:
                pairs = zip(change.keys.to_pylist(), change.values.to_pylist(), strict=True)
                views.put(book, {(change.view, key): value for key, value in pairs})


def whole_users(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of about ``size``, cut only between users."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        if count >= size:
            table = pa.Table.from_batches(waiting, EVENT_COLUMNS).combine_chunks()
            users = table.column("user_id").combine_chunks()
            last = _first_row_of_last_user(users)
            if last > 0:
                yield table.slice(0, last).to_batches()[0]
            waiting, count = table.slice(last).to_batches(), table.num_rows - last
    if count:
        yield pa.Table.from_batches(waiting, EVENT_COLUMNS).combine_chunks().to_batches()[0]


def _first_row_of_last_user(users: pa.StringArray) -> int:
    encoded = users.dictionary_encode().indices.to_numpy()
    return int(np.searchsorted(encoded, encoded[-1]))


def _as_rows(change: Changes) -> pa.RecordBatch:
    view = pa.array([change.view] * len(change.keys))
    return pa.RecordBatch.from_arrays([view, change.keys, change.values], schema=CHANGES)
