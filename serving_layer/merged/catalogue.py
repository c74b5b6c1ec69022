"""What items and users are: the newest catalogue records, and the categories that events gave."""

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar, cast

from core.events.catalogue import categories_of
from core.ranking.shelves import labels_of
from core.rows.catalogue_rows import DELETED, unpack_item_record, unpack_user_record
from core.rows.views import ITEMS as EVENTS_ITEMS
from schemas.catalogue import Item, User
from schemas.errors import BadInput
from serving_layer.memory.catalogue_rows import CatalogueRows
from serving_layer.memory.moment import Moment
from serving_layer.memory.row_cache import RowCache
from serving_layer.merged.pages import Page as Page
from serving_layer.reading.patience import walks_far
from serving_layer.reading.snapshot import Snapshot

ITEMS, USERS = "items", "users"  # spaces of the catalogue book, named like their topics
CHUNK_ITEMS = 200  # rows asked for at once while a list is filled
MAX_CHUNK_ITEMS = 10_000
MOST_DESCRIBED = 100_000  # items whose descriptions are kept
DESCRIBED = 20_000  # kept in memory: a row's JSON takes longer to read than all else that a list needs of it
FAR = 5_000  # rows: describing them takes as long as a hundred short lists
SPARE = 2  # first asked for beyond the page's end: few items are hidden

T = TypeVar("T")


class NotFound(BadInput):
    """There is no such item (HTTP 404)."""


@dataclass(frozen=True)
class Described:
    """One item: its catalogue record if it has one; ``categories`` are the record's, else the events', the main first.

    ``occurred``: an accepted event named it; ``listed``: false for a hidden or deleted one. ``labels``: its categories
    and its brand.
    """

    record: Item | None
    categories: tuple[str, ...]
    occurred: bool
    listed: bool
    labels: tuple[str, ...] = ()

    @property
    def category(self) -> str | None:
        """The main category."""
        return self.categories[0] if self.categories else None

    def shown(self) -> dict[str, Any]:
        """Return the categories as answers show them: the main one, and all where there are several."""
        several = {"categories": list(self.categories)} if len(self.categories) > 1 else {}
        return {"category": self.category, **several}

    def is_in(self, wanted: Collection[str] | None) -> bool:
        """Return whether one of its categories is among those; None means any, also of an item without."""
        return wanted is None or any(category in wanted for category in self.categories)

    def suits(self, page: Page) -> bool:
        """Return whether it is one of the items that the page is about."""
        return self.is_in(page.category) and (page.attributes is None or page.attributes.fit(self.record))

    @property
    def known(self) -> bool:
        """Whether a catalogue record or an accepted event names it."""
        return self.record is not None or self.occurred


@dataclass
class Descriptions:
    """What is known of items, of one generation, until a commit or a record may change it; threads may share it.

    Looking it up for a hundred items takes longer than all else that an answer needs of them.
    """

    generation: str | None
    _known: dict[bytes, Described] = field(default_factory=dict)  # as they are at the moment ``_of``
    _of: tuple[RowCache, CatalogueRows, int] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, snapshot: Snapshot, items: Sequence[bytes]) -> list[Described]:
        """Return what ``described`` does."""
        moment = snapshot.moment
        if moment is None:
            return _read(snapshot, items)
        with self._lock:
            known = list(map(self._known.get, items)) if self._reaches(moment) else [None] * len(items)
        if missing := [item for item, about in zip(items, known, strict=True) if about is None]:
            read = dict(zip(missing, _read(snapshot, missing), strict=True))
            with self._lock:
                if not snapshot.course.rows and self._reaches(moment):  # else they are right only once confirmed
                    self._known.update(read)
            return [read[item] if about is None else about for item, about in zip(items, known, strict=True)]
        return cast(list[Described], known)

    def _reaches(self, moment: Moment) -> bool:
        """Return whether what is known holds at the moment; what commits before it may have changed is dropped."""
        changed: Collection[bytes] | None = None
        if self._of is not None and self._of[0] is moment.rows and self._of[1] is moment.catalogue:
            if moment.attempt <= self._of[2]:
                return moment.attempt == self._of[2]
            changed = moment.rows.changed(EVENTS_ITEMS, self._of[2], moment.attempt)
        if changed is None or len(self._known) > MOST_DESCRIBED:
            self._known.clear()
        for name in changed or ():
            self._known.pop(name, None)
        self._of = moment.rows, moment.catalogue, moment.attempt
        return True


def described(snapshot: Snapshot, items: Sequence[bytes]) -> list[Described]:
    """Return what is known about each of those items, in their order."""
    return snapshot.memory.kept(Descriptions).of(snapshot, items)


def describe(snapshot: Snapshot, items: Sequence[bytes]) -> dict[bytes, Described]:
    """Return what is known about each of those items."""
    return dict(zip(items, described(snapshot, items), strict=True))


def _read(snapshot: Snapshot, items: Sequence[bytes]) -> list[Described]:
    rows, occurred = snapshot.catalogue(ITEMS, items), snapshot.items(items)
    return [_described(rows.get(item), occurred[item].category if item in occurred else None) for item in items]


def records_of(snapshot: Snapshot, items: Sequence[bytes]) -> list[Item | None]:
    """Return the catalogue record of each of those items, None for one without."""
    rows = snapshot.catalogue(ITEMS, items)
    return [_described(rows.get(item), None).record for item in items]


@lru_cache(DESCRIBED)
def _described(row: bytes | None, of_events: str | None) -> Described:
    """Return what a row of the catalogue and the events' category say; None: there is no row, or no event."""
    record = unpack_item_record(row)
    hidden = row == DELETED or (record is not None and record.hidden)
    categories = categories_of(record, of_events or "")
    labels = labels_of(categories, record.brand if record else None)
    return Described(record, categories, of_events is not None, not hidden, labels)


def require_known(snapshot: Snapshot, item: bytes) -> Described:
    """Return the item or raise NotFound; with a view missing it may be known there, so the answer is empty instead."""
    described = describe(snapshot, [item])[item]
    if not described.known and not snapshot.degraded:
        raise NotFound(f"there is no item {item.decode()!r}: no catalogue record and no accepted event names it")
    return described


def user_of(snapshot: Snapshot, user: bytes) -> User | None:
    """Return the user's newest record; None when there is none or it was deleted."""
    return unpack_user_record(snapshot.catalogue(USERS, [user]).get(user))


def listed(snapshot: Snapshot, ranked: Iterable[tuple[bytes, T]], page: Page) -> list[tuple[bytes, T, Described]]:
    """Return the page of items not hidden or deleted that suit it; reads no more rows than needed."""
    entries: list[tuple[bytes, T, Described]] = []
    rest = iter(ranked)
    size = min(page.offset + page.n + SPARE, MAX_CHUNK_ITEMS) if not page.narrowed else CHUNK_ITEMS
    walked, all_suit = page.offset + page.given, not page.narrowed and page.cursor is None
    while len(entries) < page.offset + page.n and (chunk := list(islice(rest, size))):
        if (walked := walked + len(chunk)) > FAR:
            walks_far()
        described = describe(snapshot, [item for item, _ in chunk])
        for item, rank in chunk:
            about = described[item]
            if about.listed and (all_suit or (about.suits(page) and not page.has_given(item))):
                entries.append((item, rank, about))
        size = CHUNK_ITEMS
    return entries[page.offset : page.offset + page.n]
