"""Changes one item's record without losing other changes: read the newest record, merge, append, look again.

The catalogue book may lag behind the topic, so it first catches up with the topic's end. Changes by one process run
one after the other. If another producer has appended a record in between, the change is merged with that record and
appended again. Two processes that change one item at the same instant do the same; of three changes within that instant
one may be lost, because Kafka appends without conditions.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from adapters.log.appender import Appender
from adapters.log.kafka_log import Log
from adapters.records.books import CATALOGUE
from adapters.records.catalogue import ITEMS, Claims, catch_up
from adapters.records.control import Applied
from adapters.stores.port import ViewStore
from core.events.catalogue import parse_item
from core.rows.catalogue_rows import DELETED, pack_entry
from schemas.control import Offsets
from schemas.errors import LogUnavailable
from schemas.event import Rejected

PATIENCE_SECONDS = 10.0
AGAIN_SECONDS = 0.02

Merge = Callable[[bytes | None], bytes]  # newest row or None -> the whole record to append; raises to refuse

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class ItemRecords:
    """The records of items in the log, as the catalogue book keeps them."""

    log: Log
    appender: Appender
    store: ViewStore

    def change(self, item: bytes, merge: Merge) -> bytes:
        """Append what ``merge`` makes of the item's newest record; returns it once the broker has acknowledged it.

        Raises: what ``merge``, the log and the store raise; LogUnavailable when the book stays behind the topic.
        """
        with _one_at_a_time:
            end = self._caught_up()
            value = merge(self.store.read(CATALOGUE, ITEMS, [item]).get(item))
            while True:
                self.appender.append_all(self.log.topics.items, [(item, value)])
                between = self._between(item, end, value)
                if between is None:
                    return value
                row, end = between
                if row == DELETED:  # it was deleted after the newest was read: the deletion stands
                    self.appender.append_all(self.log.topics.items, [(item, None)])
                value = merge(row)

    def _caught_up(self) -> Offsets:
        """Return the topic's end, once the book holds everything below it."""
        end, deadline = self.log.end_offsets(self.log.topics.items), time.monotonic() + PATIENCE_SECONDS
        claims = Claims()
        while True:
            catch_up(self.log, self.store, claims)
            applied = Applied.from_json(self.store.record(CATALOGUE)).items
            if all(applied.get(str(partition), 0) >= offset for partition, offset in end.items()):
                return end
            if time.monotonic() > deadline:
                raise LogUnavailable("the catalogue does not catch up with the topic of items: try again in a moment")
            time.sleep(AGAIN_SECONDS)

    def _between(self, item: bytes, start: Offsets, value: bytes) -> tuple[bytes, Offsets] | None:
        """Return the item's newest row that others appended between ``start`` and ``value``, and the topic's end."""
        topic, deadline = self.log.topics.items, time.monotonic() + PATIENCE_SECONDS
        while True:
            end = self.log.end_offsets(topic)
            if sum(end.values()) - sum(start.values()) == 1:  # the one just appended
                return None
            row = None
            for record in self.log.read(topic, start, end):
                if record.key != item:
                    continue
                if record.value == value:
                    return None if row is None else (row, end)
                entry = parse_item(record.key, record.value)
                row = row if isinstance(entry, Rejected) else pack_entry(entry, record.value)
            if time.monotonic() > deadline:  # an open transaction of another producer hides it
                return None
            time.sleep(AGAIN_SECONDS)
