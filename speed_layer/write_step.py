"""Second step of a micro-batch, after the shuffle by row: add up what the fold step emitted and write it once."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa

from adapters.opened import store
from core.views import VIEWS
from speed_layer.micro_batch import MicroBatch, Tally
from speed_layer.rows import write_changes

TALLY = pa.schema([(name, pa.int64()) for name in ("puts", "events", "rejected", "rows", "bytes")])


def write_sums(batches: Iterable[pa.RecordBatch], batch: MicroBatch) -> Iterator[pa.RecordBatch]:
    """``CHANGES`` of whole rows in, one ``Tally`` out."""
    sums, tally = _added_up(batches)
    speed = store(batch.places.speed_views, batch.places.store_timeout_ms)
    for (view, segment), changes in sums.items():
        tally = tally.plus(write_changes(speed, batch, view, segment, changes))
    yield pa.RecordBatch.from_arrays([pa.array([each]) for each in tally.columns()], schema=TALLY)


def _added_up(batches: Iterable[pa.RecordBatch]) -> tuple[dict[tuple[str, int], dict[bytes, bytes]], Tally]:
    sums: dict[tuple[str, int], dict[bytes, bytes]] = defaultdict(dict)
    tally = Tally()
    for rows in batches:
        columns = (rows.column(name).to_pylist() for name in ("view", "segment", "key", "value"))
        for view, segment, key, value in zip(*columns, strict=True):
            if not view:
                tally = tally.plus(Tally(**json.loads(value)))
                continue
            changes = sums[view, segment]
            changes[key] = VIEWS[view].merge(changes[key], value) if key in changes else value
    return sums, tally
