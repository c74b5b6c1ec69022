"""Second step of a micro-batch, after the shuffle by row: add up what the fold step emitted and write it once."""

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import itemgetter

import pyarrow as pa

from adapters.stores.opened import store
from core.rows.views import add_up
from speed_layer.micro_batch import MicroBatch, Tally
from speed_layer.rows import write_changes

Change = tuple[tuple[str, int], bytes, bytes]
TALLY = pa.schema([(name, pa.int64()) for name in ("puts", "events", "rejected", "rows", "bytes")])


def write_sums(batches: Iterable[pa.RecordBatch], batch: MicroBatch) -> Iterator[pa.RecordBatch]:
    """``CHANGES`` of whole rows in, one ``Tally`` out."""
    tallies: list[Tally] = []
    sums = add_up(_changes(batches, tallies), itemgetter(0))
    speed = store(batch.places.speed_views, batch.places.store_timeout_ms)
    for (view, segment), changes in sums.items():
        tallies.append(write_changes(speed, batch, view, segment, changes))
    total = reduce(Tally.plus, tallies, Tally())
    yield pa.RecordBatch.from_arrays([pa.array([each]) for each in total.columns()], schema=TALLY)


def _changes(batches: Iterable[pa.RecordBatch], tallies: list[Tally]) -> Iterator[Change]:
    """The changes; what the fold step counted goes to ``tallies``."""
    for rows in batches:
        tallies += [Tally(*columns) for columns in rows.column("tally").drop_null().to_pylist()]
        changes = rows.filter(rows.column("view").is_valid())
        columns = (changes.column(name).to_pylist() for name in ("view", "segment", "key", "value"))
        for view, segment, key, value in zip(*columns, strict=True):
            yield (view, segment), key, value
