"""Second step of a micro-batch, after the shuffle by row: add up what the fold step emitted and write it once."""

from collections.abc import Iterable, Iterator
from functools import reduce

import numpy as np
import pyarrow as pa

from adapters.stores.opened import store
from core.fold.columns import Changes
from core.rows.merging_columns import added_up
from core.rows.packed import Packed
from speed_layer.steps.micro_batch import TALLY, MicroBatch, Tally
from speed_layer.steps.rows import RowChanges, RowStore, write_changes

Group = tuple[str, int]  # a view and one of its segments
Parts = dict[Group, list[pa.RecordBatch]]


def write_sums(
    batches: Iterable[pa.RecordBatch], batch: MicroBatch, speed: RowStore | None = None
) -> Iterator[pa.RecordBatch]:
    """Write whole rows, given as ``CHANGES``; yields one ``Tally``.

    ``speed``: where rows are read and written; None: the speed views.
    """
    tallies: list[Tally] = []
    groups = _grouped(batches, tallies)
    speed = speed or store(batch.places.speed_views, batch.places.store_timeout_ms)
    while groups:
        (view, segment), parts = groups.popitem()
        changes = Packed.joined(Packed.of_column(part.column("value")) for part in parts)
        keys, sums = added_up(view, pa.concat_arrays([part.column("key") for part in parts]), changes)
        tallies.append(write_changes(speed, batch, RowChanges(view, segment, keys.to_pylist(), sums)))
    yield as_columns(reduce(Tally.plus, tallies, Tally()))


def write_folded(changes: Iterable[Changes], batch: MicroBatch, speed: RowStore) -> Tally:
    """Write whole rows, given as one task has folded them; equal to ``write_sums`` of the same changes.

    Nothing is added up where a view's changes come from one fold, which names each row once, in the order of the keys.
    """
    groups: dict[Group, list[Changes]] = {}
    for change in changes:
        groups.setdefault((change.view, change.segment), []).append(change)
    tally = Tally()
    for (view, segment), parts in groups.items():
        keys = pa.concat_arrays([part.keys for part in parts])
        sums = Packed.joined(Packed.of_column(part.values) for part in parts)
        if len(parts) > 1:
            keys, sums = added_up(view, keys, sums)
        tally = tally.plus(write_changes(speed, batch, RowChanges(view, segment, keys.to_pylist(), sums)))
    return tally


def as_columns(tally: Tally) -> pa.RecordBatch:
    """Return a tally as what a task returns."""
    return pa.RecordBatch.from_pylist([{"tally": tally.numbers()}], TALLY)


def total(tallies: Iterable[pa.RecordBatch]) -> Tally:
    """Return the sum of what write tasks returned."""
    return Tally.total(Tally.of(numbers) for batch in tallies for numbers in batch.column("tally").to_pylist())


def _grouped(batches: Iterable[pa.RecordBatch], tallies: list[Tally]) -> Parts:
    """Return the changes by view and segment; what the fold step counted goes to ``tallies``."""
    groups: Parts = {}
    for rows in batches:
        tallies += [Tally.of(numbers) for numbers in rows.column("tally").drop_null().to_pylist()]
        changes = rows.filter(rows.column("view").is_valid())
        views, segments = changes.column("view").dictionary_encode(), changes.column("segment").to_numpy()
        for view_code, view in enumerate(views.dictionary.to_pylist()):
            of_view = np.asarray(views.indices) == view_code
            for segment in np.unique(segments[of_view]).tolist():
                mine = of_view & (segments == segment)
                part = changes if mine.all() else changes.filter(pa.array(mine))
                groups.setdefault((view, segment), []).append(part)
    return groups
