"""Changes to rows: after the shuffle by row, add up and put into the generation's book."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa

from adapters.books import generation_book
from adapters.opened import store
from core.views import VIEWS

WRITTEN = pa.schema([("view", pa.string()), ("rows", pa.int64()), ("bytes", pa.int64())])
WRITTEN_DDL = "view string, rows bigint, bytes bigint"
ROWS_AT_ONCE = 2_000


def write_rows(
    batches: Iterable[pa.RecordBatch], views_url: str, timeout_ms: int, generation: str
) -> Iterator[pa.RecordBatch]:
    """``CHANGES`` of whole rows in; per view how many rows and bytes were written out."""
    views, book = store(views_url, timeout_ms), generation_book(generation)
    for view, rows in added_up(batches).items():
        keys = list(rows)
        for first in range(0, len(keys), ROWS_AT_ONCE):
            views.put(book, {(view, key): rows[key] for key in keys[first : first + ROWS_AT_ONCE]})
        size = sum(map(len, rows.values()))
        yield pa.RecordBatch.from_arrays([pa.array([view]), pa.array([len(rows)]), pa.array([size])], schema=WRITTEN)


def added_up(batches: Iterable[pa.RecordBatch]) -> dict[str, dict[bytes, bytes]]:
    """Per view and key the merged value."""
    sums: dict[str, dict[bytes, bytes]] = defaultdict(dict)
    for batch in batches:
        columns = (batch.column(name).to_pylist() for name in ("view", "key", "value"))
        for view, key, value in zip(*columns, strict=True):
            rows = sums[view]
            rows[key] = VIEWS[view].merge(rows[key], value) if key in rows else value
    return sums
