"""Changes to rows: after the shuffle by row they are added up and put into the run's book; other rows are copied."""

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa

from adapters.stores.opened import store
from batch_layer.steps.fold_step import CHANGES
from batch_layer.steps.output import Output
from core.rows.views import VIEWS, add_up

WRITTEN = pa.schema([("view", pa.string()), ("rows", pa.int64())])

ROWS_AT_ONCE, LONG_ROWS_AT_ONCE = 10_000, 500  # a row of pairs has some 20 kB


def write_rows(batches: Iterable[pa.RecordBatch], output: Output) -> Iterator[pa.RecordBatch]:
    """Write ``CHANGES`` of whole rows; yields per view how many written rows the base lacks, and ``EVENTS``."""
    views = store(output.views_url, output.timeout_ms)
    written = Counter[str]()
    for view, changes in add_up(_shared(batches, written), str).items():
        keys = list(changes)
        size = LONG_ROWS_AT_ONCE if VIEWS[view].tiered else ROWS_AT_ONCE
        for first in range(0, len(keys), size):
            part = {key: changes[key] for key in keys[first : first + size]}
            known = output.known(views, view, list(part))
            views.put(output.book, output.onto(known, view, part))
            written[view] += len(part) - len(known)
    yield pa.RecordBatch.from_pylist([{"view": view, "rows": rows} for view, rows in written.items()], WRITTEN)


def copy_rows(parts: Iterable[int], of: int, output: Output) -> None:
    """Copy the base's rows that nothing was written for, once all changes are written; ``parts`` of ``of`` parts.

    Models are not views and are not copied.
    """
    assert output.base is not None
    for part in parts:
        for view in VIEWS:
            store(output.views_url, output.timeout_ms).copy(output.base, output.book, view, part, of)


def _shared(batches: Iterable[pa.RecordBatch], written: Counter[str]) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield the changes; what the fold step wrote itself is added to the numbers."""
    for batch in batches:
        for view, key, value in zip(*(batch.column(name).to_pylist() for name in CHANGES.names), strict=True):
            if key:
                yield view, key, value
            else:
                written[view] += int(value)
