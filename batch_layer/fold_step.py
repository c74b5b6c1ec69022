"""Lake to changes: each user's events, in log order, folded by the fold both layers share.

A full run folds all events from empty histories; an incremental one folds those that are new from the histories of the
generation that it begins from.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from adapters.opened import store
from batch_layer.output import Output
from core.fold import fold_columns, users_of
from core.views import HISTORY, VIEWS
from schemas.event import EVENT_COLUMNS, REMOVE, WEIGHT_SCALE
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CHANGES = pa.schema([("view", pa.string()), ("key", pa.binary()), ("value", pa.binary())])
CHANGES_DDL = "view string, key binary, value binary"
EVENTS_AT_ONCE = 300_000  # one fold's memory: about 2 kB an event


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


def tasks_for(events: int, cores: int) -> int:
    """How many tasks so many events are shared among."""
    return max(cores, -(-events // EVENTS_AT_ONCE))


def by_user(events: "DataFrame", tasks: int) -> "DataFrame":
    """All events of a user in one task, in any order."""
    return events.repartition(tasks, "user_id")


def fold_users(batches: Iterable[pa.RecordBatch], rules: Rules, output: Output) -> Iterator[pa.RecordBatch]:
    """All events of some users in, ``CHANGES`` of the shared views out; histories and seen sets are written here.

    What is written here goes on as a number under no key: how many rows the base does not have.
    """
    views = store(output.views_url, output.timeout_ms)
    for events in whole_users(batches, EVENTS_AT_ONCE):
        users = users_of(events).cast(pa.binary()).to_pylist()
        known = output.known(views, HISTORY, users)
        histories = pa.array([known.get(user) for user in users], pa.binary())
        for change in fold_columns(events, np.zeros(events.num_rows, np.int64), histories, rules):
            if VIEWS[change.view].shared:
                yield _as_rows(change.view, change.keys, change.values)
            else:
                rows = dict(zip(change.keys.to_pylist(), change.values.to_pylist(), strict=True))
                before = known if change.view == HISTORY else output.known(views, change.view, list(rows))
                views.put(output.book, output.onto(before, change.view, rows))
                number = str(len(rows.keys() - before.keys())).encode()
                yield _as_rows(change.view, pa.array([b""], pa.binary()), pa.array([number], pa.binary()))


def whole_users(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """The same rows in log order, in batches of about ``size`` with all events of each of their users.

    Sorting here by numbers costs a fraction of what the engine's sort by user names would.
    """
    events = pa.concat_batches([pa.RecordBatch.from_pylist([], EVENT_COLUMNS), *batches])
    if events.num_rows == 0:
        return
    user = events.column("user_id").dictionary_encode().indices.to_numpy()
    count = np.bincount(user)
    part = ((np.cumsum(count) - count) // size)[user]
    order = np.lexsort((events.column("offset").to_numpy(), part))
    ends = np.nonzero(np.diff(part[order], append=-1))[0] + 1
    ordered = events.take(pa.array(order))
    for first, end in itertools.pairwise([0, *ends.tolist()]):
        yield ordered.slice(first, end - first)


def _as_rows(view: str, keys: pa.Array, values: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([view] * len(keys)), keys, values], schema=CHANGES)
