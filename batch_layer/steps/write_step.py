"""Changes to rows: after the shuffle by row, add up and put into the run's book; and rows that no event touched."""

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa

from adapters.stores.opened import store
from batch_layer.steps.fold_step import CHANGES
from batch_layer.steps.output import Output
from core.rows.views import VIEWS, add_up

WRITTEN = pa.schema([("view", pa.string()), ("rows", pa.int64())])

ROWS_AT_ONCE, LONG_ROWS_AT_ONCE = 10_000, 500  # pairs have some 20 kB a row


def write_rows(batches: Iterable[pa.RecordBatch], output: Output) -> Iterator[pa.RecordBatch]:
    """``CHANGES`` of whole rows in; per view how many rows were written that the base does not have, and ``EVENTS``."""
    views = store(output.views_url, output.timeout_ms)
    written = Counter[str]()
    for view, changes in add_up(_shared(batches, written), str).items():
        keys = list(changes)
        size = LONG_ROWS_AT_ONCE if VIEWS[view].tiered else ROWS_AT_ONCE
        for first in range(0, len(keys), size):
            some = {key: changes[key] for key in keys[first : first + size]}
            known = output.known(views, view, list(some))
            views.put(output.book, output.onto(known, view, some))
            written[view] += len(some) - len(known)
    yield pa.RecordBatch.from_pylist([{"view": view, "rows": rows} for view, rows in written.items()], WRITTEN)


def copy_rows(parts: Iterable[int], of: int, output: Output) -> None:
    """The base's rows that nothing was written for, once all that changed is written; the parts of so many that are
    this task's. (The model is no view.)
    """
    assert output.base is not None
    for part in parts:
        for view in VIEWS:
            store(output.views_url, output.timeout_ms).copy(output.base, output.book, view, part, of)


def _shared(batches: Iterable[pa.RecordBatch], written: Counter[str]) -> Iterator[tuple[str, bytes, bytes]]:
    """The changes; what the fold step wrote by itself is added to the numbers."""
    for batch in batches:
        for view, key, value in zip(*(batch.column(name).to_pylist() for name in CHANGES.names), strict=True):
            if key:
                yield view, key, value
            else:
                written[view] += int(value)
