"""Changes to rows: after the shuffle by row, add up and put into the run's book; and rows that no event touched."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from adapters.opened import store
from batch_layer.output import Output
from core.views import VIEWS, add_up

WRITTEN = pa.schema([("view", pa.string()), ("rows", pa.int64())])
WRITTEN_DDL = "view string, rows bigint"
ROWS_AT_ONCE = 500  # of the longest rows, pairs, some 20 kB each


def write_rows(batches: Iterable[pa.RecordBatch], output: Output) -> Iterator[pa.RecordBatch]:
    """``CHANGES`` of whole rows in; per view how many rows were written that the base does not have."""
    views = store(output.views_url, output.timeout_ms)
    for view, changes in add_up(_changes(batches), str).items():
        keys, new = list(changes), 0
        for first in range(0, len(keys), ROWS_AT_ONCE):
            some = {key: changes[key] for key in keys[first : first + ROWS_AT_ONCE]}
            known = output.known(views, view, list(some))
            views.put(output.book, output.onto(known, view, some))
            new += len(some) - len(known)
        yield pa.RecordBatch.from_arrays([pa.array([view]), pa.array([new])], schema=WRITTEN)


def copy_rows(parts: Iterable[int], of: int, output: Output) -> None:
    """The base's rows that nothing was written for, once all that changed is written; the parts of so many that are
    this task's. (The model is no view.)
    """
    assert output.base is not None
    for part in parts:
        for view in VIEWS:
            store(output.views_url, output.timeout_ms).copy(output.base, output.book, view, part, of)


def _changes(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, bytes, bytes]]:
    for batch in batches:
        yield from zip(*(batch.column(name).to_pylist() for name in ("view", "key", "value")), strict=True)
