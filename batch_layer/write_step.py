"""Changes to rows: after the shuffle by row, add up and put into the generation's book."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from adapters.books import generation_book
from adapters.opened import store
from core.views import add_up

WRITTEN = pa.schema([("view", pa.string()), ("rows", pa.int64()), ("bytes", pa.int64())])
WRITTEN_DDL = "view string, rows bigint, bytes bigint"
ROWS_AT_ONCE = 2_000


def write_rows(
    batches: Iterable[pa.RecordBatch], views_url: str, timeout_ms: int, generation: str
) -> Iterator[pa.RecordBatch]:
    """``CHANGES`` of whole rows in; per view how many rows and bytes were written out."""
    views, book = store(views_url, timeout_ms), generation_book(generation)
    for view, rows in add_up(_changes(batches), str).items():
        keys = list(rows)
        for first in range(0, len(keys), ROWS_AT_ONCE):
            views.put(book, {(view, key): rows[key] for key in keys[first : first + ROWS_AT_ONCE]})
        size = sum(map(len, rows.values()))
        yield pa.RecordBatch.from_arrays([pa.array([view]), pa.array([len(rows)]), pa.array([size])], schema=WRITTEN)


def _changes(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, bytes, bytes]]:
    for batch in batches:
        yield from zip(*(batch.column(name).to_pylist() for name in ("view", "key", "value")), strict=True)
