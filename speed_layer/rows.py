"""Guarded writing of tagged rows: the one way in which the speed layer changes its views (rules 4 and 5)."""

from collections.abc import Mapping, Sequence

from adapters.books import SPEED
from adapters.stores.port import ViewStore
from core.tagged import settle, stage
from core.views import VIEWS
from schemas.errors import MillraceError
from speed_layer.micro_batch import MicroBatch, Tally


class Displaced(MillraceError):
    """Another speed layer has taken over: this one stops at its first refused write."""


def committed(stored: Mapping[bytes, bytes], view: str, batch: MicroBatch) -> dict[bytes, bytes]:
    """The values that count at the batch's position, of those rows that have one."""
    settled = {key: settle(value, batch.position, VIEWS[view].merge) for key, value in stored.items()}
    return {key: value for key, value in settled.items() if value is not None}


def write_changes(
    store: ViewStore, batch: MicroBatch, space: str, view: str, changes: Mapping[bytes, bytes],
    stored: Mapping[bytes, bytes] | None = None,
) -> Tally:  # fmt: skip
    """Add each change to its row under the attempt's tag; ``stored`` are the rows as they are, if already read.

    Raises:
        Displaced: the position record is no longer this attempt's.
    """
    if not changes:
        return Tally()
    merge, attempt, position = VIEWS[view].merge, batch.position.registered, batch.position
    before = store.read(SPEED, space, list(changes)) if stored is None else stored
    rows = {(space, key): stage(before.get(key), position, attempt, change, merge) for key, change in changes.items()}
    if not store.put(SPEED, rows, guard=batch.guard):
        raise Displaced("another speed layer has taken over; this attempt wrote nothing that counts")
    return Tally(puts=1, rows=len(rows), bytes=sum(map(len, rows.values())))


def keys_of(values: Sequence[str]) -> list[bytes]:
    """Row keys of users or items."""
    return [value.encode() for value in values]
