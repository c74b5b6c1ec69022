"""Merging, settling and tagging many rows of a view at once (slow twins: ``core.rows.views``, ``core.rows.tagged``)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.rows import tagged, views
from core.rows.packed import Ints, Packed
from core.rows.rows_kernel import MOVED, split_tagged, tag_rows
from core.rows.tagged import NewerBase
from schemas.control import Position


@cache
def _kernel(view: str) -> Callable[..., Any] | None:
    """Return the compiled function that merges rows of the view, if it has one."""
    module, _, function = views.VIEWS[view].kernel.partition(":")
    return getattr(import_module(f"core.rows.{module}"), function) if module else None


def merged(view: str, earlier: Packed, later: Packed) -> Packed:
    """Return each row of ``earlier`` merged with that of ``later``; where one is missing, the other is taken."""
    if not len(earlier):
        return earlier
    if kernel := _kernel(view):
        sides = (earlier.data, earlier.first, earlier.end, later.data, later.first, later.end)
        return Packed.of_kernel(*kernel(*sides))
    merge = views.VIEWS[view].merge
    pairs = zip(earlier.values(), later.values(), strict=True)
    return Packed.of([merge(a, b) if a and b else a or b for a, b in pairs])


def added_up(view: str, keys: pa.BinaryArray, changes: Packed) -> tuple[pa.BinaryArray, Packed]:
    """Return the distinct keys, ascending, each with its changes merged pairwise: k are rewritten log k times."""
    order = np.asarray(pc.sort_indices(keys)).astype(np.int64)
    keys, changes = keys.take(pa.array(order)), changes.take(order)
    row = _ints(keys.dictionary_encode().indices)
    return keys.take(pa.array(np.flatnonzero(np.r_[True, row[1:] != row[:-1]][: len(row)]))), together(
        view, row, changes
    )


def together(view: str, row: Ints, changes: Packed) -> Packed:
    """Return the changes of each row as one, merged pairwise. Args: row: of each change, ascending."""
    while (again := row[1:] == row[:-1]).any():
        begins = np.flatnonzero(np.r_[True, ~again])
        number = np.arange(len(row)) - np.repeat(begins, np.diff(np.r_[begins, len(row)]))  # within the row's changes
        left = np.flatnonzero(number % 2 == 0)
        follows = np.r_[again, False][left]
        right = np.minimum(left + 1, len(row) - 1)
        changes = merged(view, changes.take(left), changes.take(right).kept(follows))
        row = row[left]
    return changes


@dataclass(frozen=True)
class Settled:
    """Tagged rows at a position.

    ``values``: what counts, none where nothing committed has touched the row. ``older``: what each knows of its older
    part's bytes. ``written``: 0, or ``STAYED`` or ``MOVED`` where the registered attempt has written the row before.
    """

    values: Packed
    older: Ints
    written: NDArray[np.uint8]


def settled(view: str, stored: Packed, position: Position) -> Settled:
    """Apply ``core.rows.tagged.settle`` to each row.

    Raises:
        NewerBase: as there.
    """
    aborted = np.array(position.aborted, np.int64)
    rows = (stored.data, stored.first, stored.end)
    places, older, written, newer = split_tagged(*rows, position.attempt, aborted, position.registered)
    if newer:
        raise NewerBase
    bases, changes = Packed(stored.data, places[0], places[1]), Packed(stored.data, places[2], places[3])
    return Settled(merged(view, bases, changes), older, written)


def tagged_rows(bases: Packed, position: Position, changes: Packed, older: Ints, replaces: NDArray[np.bool_]) -> Packed:
    """Apply ``core.rows.tagged.tagged`` to each row, under the attempt that the position has registered."""
    sides = (bases.data, bases.first, bases.end, changes.data, changes.first, changes.end)
    return Packed.of_kernel(*tag_rows(*sides, position.attempt, position.registered, older, replaces))


def outgrown_rows(bases: Packed, changes: Packed, rows: Settled) -> NDArray[np.bool_]:
    """Apply ``core.rows.tagged.outgrown`` to each row; false for a row without a base.

    A row that the attempt has written before keeps what was decided then: its older part may hold the base under this
    attempt's tag, and would count twice beside a base that stayed. So a task may run twice in one attempt.
    """
    base, change = bases.sizes.astype(np.float64), changes.sizes.astype(np.float64)
    full: NDArray[np.bool_] = (base > max(tagged.SMALL_BYTES, 0)) & (base**2 > 4 * rows.older * change)
    moved: NDArray[np.bool_] = rows.written == MOVED
    return np.where(rows.written == 0, full, moved)


def _ints(column: pa.Array) -> Ints:
    return np.asarray(column.to_numpy(zero_copy_only=False)).astype(np.int64)
