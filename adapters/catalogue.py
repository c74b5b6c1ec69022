"""Keeps the catalogue book at what the topics ``items`` and ``users`` last said; run by the speed layer and by serving.

Several processes may follow at once. Each claims the record before it writes, and every row is written atomically with
the test that the claim stands, so that a slow follower never puts an older record over a newer one.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice

from adapters.books import CATALOGUE
from adapters.log import Log
from adapters.stores.port import ViewStore
from core.catalogue import parse_item, parse_user
from core.catalogue_rows import pack_entry
from schemas.control import Offsets
from schemas.errors import MillraceError
from schemas.event import Record, Rejected

ITEMS, USERS = "items", "users"  # spaces of the book
CHUNK_RECORDS = 2_000

log = logging.getLogger("catalogue")


@dataclass(frozen=True)
class Applied:
    """The book's record: offsets below which everything is applied, and whose claim it is."""

    version: int = 0
    writer: str = ""
    items: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()

    @staticmethod
    def from_json(text: bytes | None) -> "Applied":
        return Applied() if text is None else Applied(**json.loads(text))

    def moved(self, **changes: dict[str, int]) -> "Applied":
        """The next version, unlike all earlier texts."""
        return replace(self, version=self.version + 1, writer=uuid.uuid4().hex, **changes)


def catch_up(source: Log, store: ViewStore) -> int:
    """Apply what the topics say since the last time; returns how many records.

    0 as well when another follower is at it. Raises what the log and the store raise.
    """
    applied = 0
    for space, topic in ((ITEMS, source.topics.items), (USERS, source.topics.users)):
        end = source.end_offsets(topic)
        found = store.record(CATALOGUE)
        state = Applied.from_json(found)
        start = _start(source, topic, getattr(state, space), end)
        if all(start[partition] >= stop for partition, stop in end.items()):
            continue
        claim = state.moved()
        if store.swap(CATALOGUE, found, claim.to_json()):
            count = _apply(store, space, source.read(topic, start, end), claim.to_json())
            done = claim.moved(**{space: {str(partition): offset for partition, offset in end.items()}})
            if count is not None and store.swap(CATALOGUE, claim.to_json(), done.to_json()):
                applied += count
    return applied


def _start(source: Log, topic: str, stored: dict[str, int], end: Offsets) -> Offsets:
    """Where to go on: from the beginning in a log that is shorter than what was applied, since it is another one."""
    first = source.start_offsets(topic)
    known = {partition: stored.get(str(partition), 0) for partition in end}
    return {p: first[p] if known[p] > end[p] else max(first[p], known[p]) for p in end}


def _apply(store: ViewStore, space: str, records: Iterator[Record], guard: bytes) -> int | None:
    """Write the records' rows in order; None when another follower has claimed the book."""
    count = 0
    while chunk := list(islice(records, CHUNK_RECORDS)):
        rows = {(space, key): row for key, row in (_row(space, record) for record in chunk) if row is not None}
        if rows and not store.put(CATALOGUE, rows, guard=guard):
            return None
        count += len(chunk)
    return count


def _row(space: str, record: Record) -> tuple[bytes, bytes | None]:
    """The row's key and value; None for a record that describes nothing, which is passed over."""
    parse: Callable[..., object] = parse_item if space == ITEMS else parse_user
    entry = parse(record.key, record.value)
    if isinstance(entry, Rejected):
        log.warning("passed over topic=%s offset=%d reason=%s", record.topic, record.offset, entry.reason)
        return b"", None
    return record.key or b"", pack_entry(entry)  # type: ignore[arg-type]


class CatalogueFollower:
    """Catches up again and again on a thread of its own until stopped; failures are logged and tried again."""

    def __init__(self, source: Callable[[], Log], store: ViewStore, every_seconds: float = 0.5) -> None:
        self._source, self._store, self._every = source, store, every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="catalogue", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns once the thread has ended, at the latest after the log's own patience."""
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        failing = ""
        while not self._stop.is_set():
            try:
                if count := catch_up(self._source(), self._store):
                    log.info("applied records=%d", count)
                failing = ""
            except MillraceError as error:
                if str(error) != failing:  # once, not twice a second
                    log.warning("waiting: %s", error)
                failing = str(error)
            self._stop.wait(self._every if not failing else 4 * self._every)
