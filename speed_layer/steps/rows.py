"""Guarded writing of tagged rows: the one way in which the speed layer changes its views (rules 4 and 5).

Each put also lists the keys that it wrote, and a small one its changes, so that readers can keep rows in memory
(``core.rows.touched``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

import numpy as np

from adapters.records.books import SPEED, older_space, segment_space, state_space, touched_space
from adapters.stores.port import Book, Rows
from core.rows.merging_columns import Settled, outgrown_rows, settled, tagged_rows
from core.rows.packed import Ints, Packed
from core.rows.touched import Carried, is_carried, pack_touched
from core.rows.views import VIEWS
from schemas.errors import MillraceError
from speed_layer.steps.micro_batch import MicroBatch, Tally

ROWS_AT_ONCE = 4_000  # of one put: what a task holds in memory of the rows that it rewrites


class RowStore(Protocol):
    """What the steps use of ``ViewStore``."""

    def read(self, book: Book, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]: ...

    def put(self, book: Book, rows: Rows, *, guard: bytes | None = None) -> bool: ...


class Displaced(MillraceError):
    """Another speed layer has taken over: this one stops at its first refused write."""


@dataclass(frozen=True)
class RowChanges:
    """Changes to distinct rows of one view within one segment."""

    view: str
    segment: int
    keys: list[bytes]
    values: Packed

    def part(self, first: int, end: int) -> "RowChanges":
        return RowChanges(self.view, self.segment, self.keys[first:end], self.values.take(slice(first, end)))


def committed(stored: Packed, view: str, batch: MicroBatch) -> Settled:
    """Return what counts in those rows at the batch's position."""
    return settled(view, stored, batch.position)


def write_changes(store: RowStore, batch: MicroBatch, changes: RowChanges, bases: Packed | None = None) -> Tally:
    """Add each change to its row under the attempt's tag; ``bases``: what counts in those rows, if already read.

    Keys in ascending order make the writes of one put neighbours in a store that keeps them ordered.

    Raises:
        Displaced: the position record is no longer this attempt's.
    """
    tallies = []
    for first in range(0, len(changes.keys), ROWS_AT_ONCE):
        end = first + ROWS_AT_ONCE
        part_bases = None if bases is None else bases.take(slice(first, end))
        tallies.append(_write(store, batch, changes.part(first, end), part_bases))
    return reduce(Tally.plus, tallies, Tally())


def _write(store: RowStore, batch: MicroBatch, changes: RowChanges, bases: Packed | None) -> Tally:
    """Write one guarded put."""
    space = row_space(batch, changes.view, changes.segment)
    full, older = np.zeros(len(changes.keys), np.bool_), np.zeros(len(changes.keys), np.int64)
    if bases is None:
        stored = committed(stored_rows(store, space, changes.keys), changes.view, batch)
        bases, older = stored.values, stored.older
        if VIEWS[changes.view].tiered:
            full = outgrown_rows(bases, changes.values, stored)
    rows = _moved(store, batch, changes, bases, np.flatnonzero(full), older)
    written = tagged_rows(bases, batch.position, changes.values, older, full)
    rows |= {(space, key): value for key, value in zip(changes.keys, written.values(), strict=True)}
    tally = Tally(puts=1, rows=len(rows), bytes=sum(map(len, rows.values())))
    listed, touched = pack_touched(changes.view, changes.keys, _carried(batch, changes))
    rows[touched_space(batch.position, batch.position.registered), listed] = touched
    put_rows(store, batch, rows)
    return tally


def _carried(batch: MicroBatch, changes: RowChanges) -> Carried | None:
    """Return what the list of a put has beside the keys: its changes, unless they are too many."""
    if not is_carried(batch.records, int(changes.values.sizes.sum())):
        return None
    return Carried(changes.segment, changes.values.values())


def put_rows(store: RowStore, batch: MicroBatch, rows: Rows) -> None:
    """Write rows of this attempt.

    Raises:
        Displaced: the position record is no longer this attempt's.
    """
    if not store.put(SPEED, rows, guard=batch.guard):
        raise Displaced("another speed layer has taken over; this attempt wrote nothing that counts")


def stored_rows(store: RowStore, space: str, keys: Sequence[bytes]) -> Packed:
    """Return the rows of those keys as they stand in the speed store."""
    stored = store.read(SPEED, space, keys)
    return Packed.of([stored.get(key) for key in keys])


def row_space(batch: MicroBatch, view: str, segment: int) -> str:
    """Return the space of the view's rows that this batch changes."""
    epoch = batch.position.epoch
    return segment_space(epoch, view, segment) if VIEWS[view].segmented else state_space(epoch, view)


def _moved(
    store: RowStore, batch: MicroBatch, changes: RowChanges, bases: Packed, full: Ints, older: Ints
) -> dict[tuple[str, bytes], bytes]:
    """Return the older parts of those rows with their bases added; sets their new lengths in ``older``."""
    if not len(full):
        return {}
    space = older_space(batch.position.epoch, changes.view, changes.segment)
    keys, bases = [changes.keys[row] for row in full.tolist()], bases.take(full)
    parts = committed(stored_rows(store, space, keys), changes.view, batch).values
    older[full] = parts.sizes + bases.sizes
    none = np.zeros(len(keys), np.int64)
    moved = tagged_rows(parts, batch.position, bases, none, none.astype(np.bool_))
    return {(space, key): value for key, value in zip(keys, moved.values(), strict=True)}


def keys_of(values: Sequence[str]) -> list[bytes]:
    """Return row keys of users or items."""
    return [value.encode() for value in values]
