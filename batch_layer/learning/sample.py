"""The interactions that an evaluation looks at: all of them, or those of a sample of users with all their events."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from adapters.engine.tasks import Tasks
from adapters.lake.files import Stretch
from adapters.lake.tables import ROWS_AT_ONCE
from core.partitions.partitioner import partitions_of
from schemas.event import EVENT_COLUMNS

SAMPLE = pa.schema(
    [
        ("user", pa.string()), ("item_id", pa.string()), ("weight", pa.int64()), ("event_time", pa.int64()),
        ("partition", pa.int32()), ("offset", pa.int64()), ("category", pa.string()),
    ]
)  # fmt: skip
TAUGHT = pa.schema([*SAMPLE, pa.field("kind", pa.string()), pa.field("source", pa.string())])  # to learn a blend from
WHOLE = pa.schema([field.with_name("user") if field.name == "user_id" else field for field in EVENT_COLUMNS])
SAMPLE_PARTS = 1_000_000


def sampled(place: Tasks, events: Stretch, total: int, most: int, columns: pa.Schema = SAMPLE) -> pa.Table:
    """Return those columns of about ``most`` of ``total`` events, by whole users.

    Events without weight are left out, except those that ``TAUGHT`` wants: the ones that name a source.
    """
    part = int(SAMPLE_PARTS * min(1.0, most / max(total, 1)))
    shares = events.shares(place.count_for(events.most, ROWS_AT_ONCE))
    return place.run(len(shares), lambda number: _sample(shares[number], part, columns), columns)


def _sample(events: Stretch, part: int, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in events.read(ROWS_AT_ONCE):
        wanted = pc.not_equal(batch.column("weight"), 0)
        if schema.equals(TAUGHT):
            wanted = pc.or_(wanted, pc.is_valid(batch.column("source")))
        rows = batch.filter(wanted)
        if part < SAMPLE_PARTS:
            rows = rows.filter(pa.array(partitions_of(rows.column("user_id"), "murmur2", SAMPLE_PARTS) < part))
        columns = [rows.column("user_id" if name == "user" else name) for name in schema.names]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
