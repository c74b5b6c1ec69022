"""Changes to rows: after the shuffle by row, add up and put into the run's book; and rows that no event touched."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from adapters.opened import store
from batch_layer.output import Output
from core.views import add_up

WRITTEN = pa.schema([("view", pa.string()), ("rows", pa.int64()), ("bytes", pa.int64())])
WRITTEN_DDL = "view string, rows bigint, bytes bigint"
ROWS_AT_ONCE = 500  # of the longest rows, pairs, some 20 kB each


def write_rows(batches: Iterable[pa.RecordBatch], output: Output) -> Iterator[pa.RecordBatch]:
    """``CHANGES`` of whole rows in; per view how many rows and bytes were written out."""
    views = store(output.views_url, output.timeout_ms)
    for view, changes in add_up(_changes(batches), str).items():
        keys, size = list(changes), 0
        for first in range(0, len(keys), ROWS_AT_ONCE):
            rows = output.onto(views, view, {key: changes[key] for key in keys[first : first + ROWS_AT_ONCE]})
            views.put(output.book, rows)
            size += sum(map(len, rows.values()))
        yield pa.RecordBatch.from_arrays([pa.array([view]), pa.array([len(keys)]), pa.array([size])], schema=WRITTEN)


def _changes(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, bytes, bytes]]:
    for batch in batches:
        yield from zip(*(batch.column(name).to_pylist() for name in ("view", "key", "value")), strict=True)
