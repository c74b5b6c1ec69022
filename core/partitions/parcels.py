"""Rows on their way to another task: a parcel of many to each, instead of every row by itself.

An engine that shuffles rows turns each from columns into its own form and back, twice; a parcel it only copies.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa

from core.partitions.partitioner import partitions_of

PARCELS = pa.schema([("task", pa.int32()), ("parcel", pa.binary())])
PARCELS_DDL = "task int, parcel binary"


def packed(batches: Iterable[pa.RecordBatch], tasks: int, by: str = "key") -> Iterator[pa.RecordBatch]:
    """Yield ``PARCELS`` of rows with a binary or text column ``by``: equal rows go to one task, in their order."""
    for rows in batches:
        task = partitions_of(rows.column(by), "murmur2", tasks)
        starts = np.r_[0, np.cumsum(np.bincount(task, minlength=tasks))].tolist()
        by_task = rows.take(pa.array(np.argsort(task, kind="stable")))
        for k, (first, end) in enumerate(pairwise(starts)):
            if end > first:
                parcel = pa.array([_written(by_task.slice(first, end - first))], pa.binary())
                yield pa.RecordBatch.from_arrays([pa.array([k], pa.int32()), parcel], schema=PARCELS)


def unpacked(parcels: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of ``PARCELS``."""
    for batch in parcels:
        for parcel in batch.column("parcel"):
            yield from pa.ipc.open_stream(parcel.as_buffer())


def _written(rows: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_batch(rows)
    written: bytes = sink.getvalue().to_pybytes()
    return written
