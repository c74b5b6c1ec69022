"""The lake's events in the log's order, straight from its files, without an engine."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from adapters.lake.tables import EVENTS_AT_ONCE, ROWS_AT_ONCE, Lake
from schemas.control import Offsets
from schemas.event import Event
from schemas.rules import Rules

if TYPE_CHECKING:
    from adapters.log.forgotten import Forgotten


def in_order(
    lake: Lake, rules: Rules, start: Offsets, end: Offsets, forgotten: "Forgotten | None" = None
) -> Iterator[pa.Table]:
    """Yield ``EVENT_COLUMNS`` from ``start`` to below ``end``, partition by partition, in the order of the offsets.

    It holds what lies between half a million offsets at a time.

    Raises:
        SettingsError: a file cannot be read from here.
    """
    for partition, stop in sorted(end.items()):
        for first in range(start.get(partition, 0), stop, EVENTS_AT_ONCE):
            upto = {partition: min(first + EVENTS_AT_ONCE, stop)}
            stretch = lake.stretch(rules, upto, {partition: first}, forgotten=forgotten)
            if batches := list(stretch.read(ROWS_AT_ONCE)):
                yield pa.Table.from_batches(batches).sort_by("offset")


def stored_in_order(lake: Lake, rules: Rules, end: Offsets, columns: pa.Schema) -> Iterator[pa.Table]:
    """Yield those columns of what the lake's table of events has below ``end``, in the same order."""
    for partition, stop in sorted(end.items()):
        for first in range(0, stop, EVENTS_AT_ONCE):
            stretch = lake.stretch(rules, {partition: min(first + EVENTS_AT_ONCE, stop)}, {partition: first})
            if batches := list(stretch.stored(ROWS_AT_ONCE, columns)):
                yield pa.Table.from_batches(batches).sort_by("offset")


def events_in_order(
    lake: Lake, rules: Rules, start: Offsets, end: Offsets, forgotten: "Forgotten | None" = None
) -> Iterator[Event]:
    """Yield the same as events."""
    for events in in_order(lake, rules, start, end, forgotten):
        for batch in events.to_batches(10_000):
            yield from (Event(**row) for row in batch.to_pylist())
