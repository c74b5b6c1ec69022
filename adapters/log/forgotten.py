"""The topic ``forgotten``: each record is a mark from which on an earlier user no longer counts (decision 26).

A mark names a user and the offset, in the user's partition, below which no event of theirs counts any more. Marks are
numbered from 1 in the topic's order; a generation says how many of them are in effect in it, and all that reads
events for it leaves out what those marks name. They stand in the log like the events that they void: views and
lake can be rebuilt from it, and must not bring anybody back.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.log.kafka_log import Log
from core.events.fields import MAX_ID
from core.partitions.partitioner import partition_of
from schemas.errors import BadInput
from schemas.rules import Rules

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Mark:
    """No event of the user below the offset, in this partition, counts."""

    user_id: str
    partition: int
    offset: int
    at: int = 0  # epoch ms when it was made


def forget(log: Log, rules: Rules, user: str, now: int) -> Mark:
    """Mark a user: what the log holds of them now no longer counts, from the next full generation on.

    The user's own record in the topic ``users`` is deleted too. ``now`` is epoch ms.

    Raises: BadInput: no user can have such an id.
    """
    if not 0 < len(user) <= MAX_ID:
        raise BadInput(f"a user's id has 1 to {MAX_ID} characters")
    end = log.end_offsets()
    partition = partition_of(user.encode(), rules.partitioner, len(end))
    mark, appender = Mark(user, partition, end[partition], now), log.appender(rules.partitioner)
    appender.append_all(log.topics.users, [(user.encode(), None)])
    appender.append_all(log.topics.forgotten, [(user.encode(), json.dumps(vars(mark)).encode())])
    return mark


def marks(log: Log, count: int | None = None) -> list[Mark]:
    """Return the first ``count`` marks, or all. Read before the log's end is asked for, each lies at or below it.

    Raises: SettingsError: the topic holds fewer.
    """
    topic = log.topics.forgotten
    count = log.end_offsets(topic)[0] if count is None else count
    return [Mark(**json.loads(record.value or b"")) for record in log.read(topic, {0: 0}, {0: count})]


def waiting(log: Log, in_effect: int) -> list[Mark]:
    """Return the first mark of each user who is marked beyond those that are in effect, in the topic's order.

    Args: in_effect: how many marks the active generation knows.
    """
    topic = log.topics.forgotten
    first: dict[str, Mark] = {}
    for record in log.read(topic, {0: in_effect}, {0: log.end_offsets(topic)[0]}):
        mark = Mark(**json.loads(record.value or b""))
        first.setdefault(mark.user_id, mark)
    return list(first.values())


Forgotten = Mapping[str, Mark]  # user -> their last mark


def forgotten(log: Log, count: int) -> Forgotten:
    """Return what the first ``count`` marks say."""
    return {mark.user_id: mark for mark in marks(log, count)}


# What is void among the lake's events, and among its rejected records, to which a key may belong that lies.
VOID_EVENT = "partition = in_partition and offset < below and user_id = gone"
VOID_REJECTED = "partition = in_partition and offset < below and key = encode(gone, 'UTF-8')"


def counting(events: "pa.RecordBatch", users: Forgotten) -> "pa.BooleanArray":
    """Return which of the events, as columns, are not void."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    marks = list(users.values())
    names = pa.array([known.user_id for known in marks], pa.string())
    mark = pc.fill_null(pc.index_in(events.column("user_id"), value_set=names), len(marks)).to_numpy()
    in_partition = np.array([*(known.partition for known in marks), -1])[mark]
    below = np.array([*(known.offset for known in marks), 0])[mark]
    void = (events.column("partition").to_numpy() == in_partition) & (events.column("offset").to_numpy() < below)
    return pa.array(~void)


def is_void(users: Forgotten, key: bytes, partition: int, offset: int) -> bool:
    """Return whether a record with this key, which is its user's id, lies below its user's mark."""
    mark = users.get(key.decode(errors="replace")) if users else None
    return mark is not None and (mark.user_id.encode(), mark.partition) == (key, partition) and offset < mark.offset


def table(users: Forgotten, spark: "SparkSession") -> "DataFrame":
    """Return the marks, to be joined with the lake's tables by one of the conditions above."""
    rows = [(mark.user_id, mark.partition, mark.offset) for mark in users.values()]
    return spark.createDataFrame(rows, "gone string, in_partition int, below bigint")


def without(rows: "DataFrame", users: Forgotten, spark: "SparkSession", void: str) -> "DataFrame":
    """Return the rows of the lake that count when those users are forgotten."""
    from pyspark.sql import functions as F

    if not users:
        return rows
    return rows.join(F.broadcast(table(users, spark)), F.expr(void), "left_anti")
