"""Keeps the catalogue book up to date with the topics ``items`` and ``users``; runs in the speed layer and in serving.

Several processes may follow at once. Each claims the record before it writes, and every row is written atomically with
a test that the claim stands, so that a slow follower never overwrites a newer record with an older one. A claim moves
with every chunk that is applied, and others leave it alone as long as it does.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from adapters.log.dead_letters import DeadLetter, bury_letters
from adapters.log.kafka_log import Log
from adapters.records.books import CATALOGUE, NEW_ITEMS, NEW_ITEMS_KEY
from adapters.records.control import Applied, check_speed_store
from adapters.stores.port import ViewStore
from adapters.terminal.reporting import logger
from core.control.changes import check_speed_log
from core.events.catalogue import parse_item, parse_user
from core.rows.catalogue_rows import pack_entry, pack_newest
from schemas.catalogue import Item, User
from schemas.control import Offsets
from schemas.event import Record, Rejected

ITEMS, USERS = "items", "users"  # spaces of the book
CHUNK_RECORDS = 2_000
LEFT_SECONDS = 3.0  # a claim that has not moved for so long is nobody's any more

log = logger("catalogue")


class Claims:
    """Tells the claim of a follower that is at work from one that was left behind. For one follower.

    Two followers that took each other's claims would apply the same records for ever, and no row of the catalogue could
    be kept in memory meanwhile.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: tuple[bytes | None, float] = None, 0.0  # and since when

    def is_left(self, text: bytes | None) -> bool:
        """Return whether that record, with an open claim, has been the same for long enough."""
        if text != self._open[0]:
            self._open = text, self._clock()
        return self._clock() - self._open[1] >= LEFT_SECONDS


def catch_up(source: Log, store: ViewStore, claims: Claims | None = None) -> int:
    """Apply the new records of the topics; returns their number. Rejected records become dead letters.

    Returns 0 also when another follower is applying them. Raises what the log and the store raise, and SettingsError
    when the store belongs to another log.

    Args: claims: what the caller knows of others' claims; None: an open one is taken over at once.
    """
    applied, identity = 0, source.first_identity
    for space, topic in ((ITEMS, source.topics.items), (USERS, source.topics.users)):
        end = source.end_offsets(topic)
        stored = store.record(CATALOGUE)
        state = Applied.from_json(stored)
        check_speed_log(state.log, identity)
        known = {partition: getattr(state, space).get(str(partition), 0) for partition in end}
        start, again = _start(source.start_offsets(topic), known, end)
        if state.log is None:
            check_speed_store(store, identity)
        elif state.settled and all(start[partition] >= stop for partition, stop in end.items()):
            continue
        elif not state.settled and claims is not None and not claims.is_left(stored):
            return applied
        rejected = {**state.rejected, space: {}} if again else state.rejected
        claim = state.moved(log=identity, settled=False, rejected=rejected, **{space: _texts(start)})
        if store.swap(CATALOGUE, stored, claim.to_json()):
            applied += _apply(source, store, space, source.read(topic, start, end), claim, start, end)
    return applied


def _start(first: Offsets, known: Offsets, end: Offsets) -> tuple[Offsets, bool]:
    """Return where to continue, and whether from scratch: a topic shorter than what was applied is a new one."""
    start = {p: first[p] if known[p] > end[p] else max(first[p], known[p]) for p in end}
    return start, any(known[p] > end[p] for p in end)


def _texts(offsets: Offsets) -> dict[str, int]:
    return {str(partition): offset for partition, offset in offsets.items()}


def _apply(
    source: Log, store: ViewStore, space: str, records: Iterator[Record], claim: Applied, start: Offsets, end: Offsets
) -> int:
    """Write the records' rows in order and move the claim with each chunk; returns how many are applied.

    The swap that moves the claim counts the rejected ones too, so each only once. Ends early where another follower has
    claimed the book.
    """
    parse: Callable[..., Item | User | Rejected | None] = parse_item if space == ITEMS else parse_user
    applied, reached, all_rejected = 0, dict(start), Counter[str]()
    while not claim.settled:
        chunk = list(islice(records, CHUNK_RECORDS))
        rows: dict[tuple[str, bytes], bytes] = {}
        described = dict[bytes, int]()
        letters: list[DeadLetter] = []
        for record in chunk:
            entry = parse(record.key, record.value)
            if isinstance(entry, Rejected):
                letters.append(DeadLetter(record, entry.reason))
            else:
                rows[space, record.key or b""] = pack_entry(entry, record.value)
            if isinstance(entry, Item):
                described.setdefault(record.key or b"", entry.created_at or record.timestamp)
            reached[record.partition] = record.offset + 1
        guard = claim.to_json()
        newest = _newest(store, described)
        if rows and not store.put(CATALOGUE, {**newest, **rows}, guard=guard):
            break
        bury_letters(source, letters)
        rejected = Counter(letter.reason for letter in letters)
        is_last = len(chunk) < CHUNK_RECORDS
        counted = {**claim.rejected, space: dict(Counter(claim.rejected.get(space, {})) + rejected)}
        claim = claim.moved(rejected=counted, settled=is_last, **{space: _texts(end if is_last else reached)})
        if not store.swap(CATALOGUE, guard, claim.to_json()):
            break
        applied += len(chunk)
        all_rejected.update(rejected)
    if all_rejected:
        log.warning("rejected topic=%s records=%s see=`millrace rejected list`", space, dict(all_rejected))
    return applied


def _newest(store: ViewStore, described: dict[bytes, int]) -> dict[tuple[str, bytes], bytes]:
    """Return the row of the newest items, if any of those items had no record before; ``described``: their times.

    It is written before the items' rows, so that an attempt that ends between them is repeated with the same outcome.
    """
    known = store.read(CATALOGUE, ITEMS, list(described)) if described else {}
    if not (new := {item: time for item, time in described.items() if item not in known}):
        return {}
    row = store.read(CATALOGUE, NEW_ITEMS, [NEW_ITEMS_KEY]).get(NEW_ITEMS_KEY)
    return {(NEW_ITEMS, NEW_ITEMS_KEY): pack_newest(row, new)}


class CatalogueFollower:
    """Catches up repeatedly on its own thread until stopped; failures are logged and retried."""

    def __init__(self, source: Callable[[], Log], store: ViewStore, every_seconds: float = 0.5) -> None:
        self._source, self._store, self._every = source, store, every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="catalogue", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Return once the thread has ended, at the latest after the log's timeout."""
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        failing, claims = "", Claims()
        while not self._stop.is_set():
            try:
                if count := catch_up(self._source(), self._store, claims):
                    log.info("applied records=%d", count)
                failing = ""
            except Exception as error:  # noqa: BLE001 - whatever it is, such as no free file, it is tried again
                if str(error) != failing and not self._stop.is_set():  # once, not twice a second; never after the end
                    log.warning("waiting why=%s", error)
                failing = str(error)
            self._stop.wait(self._every if not failing else 4 * self._every)
