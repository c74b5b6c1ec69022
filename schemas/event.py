"""An event: one interaction, one record on the topic ``events`` (JSON Schema: ``event.schema.json``)."""

from dataclasses import dataclass

import pyarrow as pa

MAX_VALUE_BYTES = 64 * 1024
EARLIEST_EVENT_TIME_MS = 631_152_000_000  # 1990-01-01T00:00:00Z
LATEST_AHEAD_MS = 86_400_000  # an event may be at most a day ahead of its Kafka timestamp
BUCKET_MS = 3_600_000  # hourly counts
DAY_MS = 86_400_000  # a user's share in them
WEIGHT_SCALE = 1_000  # weights and ratings are whole thousandths, so that sums are exact integers
DESCRIBING = ("device", "source", "referrer")  # columns that only the counters of activity use
REMOVE = -1  # the weight that stands for "retract the user's item"


@dataclass(frozen=True, slots=True)
class Record:
    """One record as the log holds it; ``timestamp`` is Kafka's, in epoch milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Event:
    """One accepted event.

    ``event_time`` and ``timestamp`` are epoch milliseconds; ``weight`` is in thousandths, or ``REMOVE``;
    ``value`` is the number the event carried (rating, quantity, price), if any.
    """

    partition: int
    offset: int
    timestamp: int
    event_id: str
    event_time: int
    kind: str
    user_id: str
    item_id: str
    value: float | None
    weight: int
    category: str | None
    device: str | None = None
    source: str | None = None  # the recommendation source that led here
    referrer: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that fails the contract, with the first reason that applies (contract §2)."""

    reason: str


# The three types above as columns. One row is one record; order within a partition is the log's.
RECORD_COLUMNS = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.int64()),
        ("key", pa.binary()),
        ("value", pa.binary()),
    ]
)
EVENT_COLUMNS = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.int64()),
        ("event_id", pa.string()),
        ("event_time", pa.int64()),
        ("kind", pa.string()),
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("value", pa.float64()),
        ("weight", pa.int64()),
        ("category", pa.string()),
        ("device", pa.string()),
        ("source", pa.string()),
        ("referrer", pa.string()),
    ]
)
# The columns of an event in the lake. The reader's rules give its weight.
STORED_COLUMNS = pa.schema([column for column in EVENT_COLUMNS if column.name != "weight"])
REJECTED_COLUMNS = pa.schema([*RECORD_COLUMNS, pa.field("reason", pa.string())])
