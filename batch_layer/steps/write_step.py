"""Changes to rows: after the shuffle by row they are added up and put into the run's book; other rows are copied."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from adapters.stores.opened import store
from batch_layer.steps.output import Output
from core.rows.merging_columns import added_up
from core.rows.packed import Packed
from core.rows.views import VIEWS

WRITTEN = pa.schema([("view", pa.string()), ("rows", pa.int64())])

ROWS_AT_ONCE, LONG_ROWS_AT_ONCE = 10_000, 500  # a row of pairs has some 20 kB


def write_rows(batches: Iterable[pa.RecordBatch], output: Output) -> Iterator[pa.RecordBatch]:
    """Write ``CHANGES`` of whole rows; yields per view how many written rows the base lacks, and ``EVENTS``."""
    views = store(output.views_url, output.timeout_ms)
    written = Counter[str]()
    for view, (keys, changes) in _shared(batches, written).items():
        rows = list(zip(keys.to_pylist(), changes.values(), strict=True))
        size = LONG_ROWS_AT_ONCE if VIEWS[view].tiered else ROWS_AT_ONCE
        for first in range(0, len(rows), size):
            part = dict(rows[first : first + size])
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


def _shared(batches: Iterable[pa.RecordBatch], written: Counter[str]) -> dict[str, tuple[pa.BinaryArray, Packed]]:
    """Return the changes by view, added up per row; what the fold step wrote itself is added to the numbers."""
    keys, changes = defaultdict[str, list[pa.BinaryArray]](list), defaultdict[str, list[Packed]](list)
    for batch in batches:
        is_number = pc.equal(pc.binary_length(batch.column("key")), 0)
        for row in batch.filter(is_number).to_pylist():
            written[row["view"]] += int(row["value"])
        for view in batch.column("view").unique().to_pylist():
            rows = batch.filter(pc.and_not(pc.equal(batch.column("view"), view), is_number))
            keys[view].append(rows.column("key"))
            changes[view].append(Packed.of_column(rows.column("value")))
    views = [view for view in keys if view in VIEWS]
    return {view: added_up(view, pa.concat_arrays(keys[view]), Packed.joined(changes[view])) for view in views}
