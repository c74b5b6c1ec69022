"""Guarded writing of tagged rows: the one way in which the speed layer changes its views (rules 4 and 5).

Each put also lists the keys that it wrote, so that readers can keep rows in memory (``core.rows.touched``).
"""

from collections.abc import Mapping, Sequence

from adapters.records.books import SPEED, older_space, segment_space, state_space, touched_space
from adapters.stores.port import ViewStore
from core.rows.tagged import older_bytes, outgrown, settle, tagged
from core.rows.touched import pack_touched
from core.rows.views import VIEWS
from schemas.errors import MillraceError
from speed_layer.micro_batch import MicroBatch, Tally


class Displaced(MillraceError):
    """Another speed layer has taken over: this one stops at its first refused write."""


def committed(stored: Mapping[bytes, bytes], view: str, batch: MicroBatch) -> dict[bytes, bytes]:
    """The values that count at the batch's position, of those rows that have one."""
    settled = {key: settle(value, batch.position, VIEWS[view].merge) for key, value in stored.items()}
    return {key: value for key, value in settled.items() if value is not None}


def write_changes(
    store: ViewStore, batch: MicroBatch, view: str, segment: int, changes: Mapping[bytes, bytes],
    bases: Mapping[bytes, bytes] | None = None,
) -> Tally:  # fmt: skip
    """Add each change to its row under the attempt's tag; ``bases``: what counts in those rows, if already read.

    Raises:
        Displaced: the position record is no longer this attempt's.
    """
    if not changes:
        return Tally()
    space = row_space(batch, view, segment)
    sizes: dict[bytes, int] = {}
    if bases is None:
        stored = store.read(SPEED, space, list(changes))
        bases = committed(stored, view, batch)
        sizes = {key: older_bytes(stored.get(key)) for key in changes} if VIEWS[view].tiered else {}
    full = {key for key, older in sizes.items() if key in bases and outgrown(bases[key], changes[key], older)}
    rows = _moved(store, batch, view, segment, {key: bases[key] for key in full}, sizes)
    for key, change in changes.items():
        older = sizes.get(key, 0)
        rows[space, key] = tagged(
            bases.get(key), batch.position, batch.position.registered, change, older, replaces=key in full
        )
    tally = Tally(puts=1, rows=len(rows), bytes=sum(map(len, rows.values())))
    listed, touched = pack_touched(view, changes)
    rows[touched_space(batch.position, batch.position.registered), listed] = touched
    if not store.put(SPEED, rows, guard=batch.guard):
        raise Displaced("another speed layer has taken over; this attempt wrote nothing that counts")
    return tally


def row_space(batch: MicroBatch, view: str, segment: int) -> str:
    """Where the view's rows are that this batch changes."""
    epoch = batch.position.epoch
    return segment_space(epoch, view, segment) if VIEWS[view].segmented else state_space(epoch, view)


def _moved(
    store: ViewStore, batch: MicroBatch, view: str, segment: int, bases: Mapping[bytes, bytes], sizes: dict[bytes, int]
) -> dict[tuple[str, bytes], bytes]:
    """The older parts with those bases added; ``sizes`` learns how long they become."""
    if not bases:
        return {}
    space, attempt = older_space(batch.position.epoch, view, segment), batch.position.registered
    older = committed(store.read(SPEED, space, list(bases)), view, batch)
    for key, base in bases.items():
        sizes[key] = len(older.get(key, b"")) + len(base)
    return {(space, key): tagged(older.get(key), batch.position, attempt, base) for key, base in bases.items()}


def keys_of(values: Sequence[str]) -> list[bytes]:
    """Row keys of users or items."""
    return [value.encode() for value in values]
