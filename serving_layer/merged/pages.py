"""Which part of a list is asked for: how many rows, which items may be among them, and where the last page ended.

A cursor holds the digests of all rows that its pages have given. The next page lists the best of the others, so that no
row comes twice and none is passed over, however the ranking changes between two pages.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b

from schemas.catalogue import Item
from schemas.errors import Unprocessable

LIST_BYTES, ROW_BYTES = 6, 8
MAX_ROWS = 4_000  # of all pages of one cursor that travels in a URL
MAX_POSTED_ROWS = 100_000  # and in a body
NO_RECORD = Item("")
NO_CURSOR = "cursor: this is none; leave it out, or give the next_cursor of the page before"


@dataclass(frozen=True)
class Attributes:
    """What the catalogue records of listed items must say; None asks for nothing.

    Any of the brands, of the tags, of the regions; an item without regions is there for all of them. An item without a
    price is in no range of prices.
    """

    brands: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    regions: frozenset[str] | None = None
    min_price: float | None = None
    max_price: float | None = None

    def fit(self, record: Item | None) -> bool:
        """Return whether an item with that record may be listed."""
        item = record or NO_RECORD
        return (
            (self.brands is None or item.brand in self.brands)
            and (self.tags is None or not self.tags.isdisjoint(item.tags))
            and (self.regions is None or _is_there(item, self.regions))
            and (self.min_price is None or (item.price is not None and item.price >= self.min_price))
            and (self.max_price is None or (item.price is not None and item.price <= self.max_price))
        )


def attributes_of(
    brand: Collection[str] | None, tag: Collection[str] | None, region: Collection[str] | None,
    min_price: float | None, max_price: float | None,
) -> Attributes | None:  # fmt: skip
    """Return what records must say; None where nothing is asked for.

    Raises: Unprocessable for a range that no price lies in.
    """
    if min_price is not None and max_price is not None and min_price > max_price:
        raise Unprocessable(f"max_price: must be at least min_price, {min_price:g}, and is {max_price:g}")
    wanted = Attributes(names_of(brand), names_of(tag), names_of(region), min_price, max_price)
    return None if wanted == Attributes() else wanted


def names_of(names: Collection[str] | None) -> frozenset[str] | None:
    """Return the names of which an item must have any; None where none are given."""
    return frozenset(names) if names else None


def _is_there(item: Item, regions: frozenset[str]) -> bool:
    own = {*([item.region] if item.region else []), *item.regions}
    return not own or not own.isdisjoint(regions)


@dataclass(frozen=True)
class Cursor:
    """Where the last page ended: of which list, and the digests of the rows given so far, end to end."""

    list_id: bytes
    rows: bytes = field(repr=False)
    most: int = field(default=MAX_ROWS, compare=False)

    @staticmethod
    def of(text: str, most: int = MAX_ROWS) -> "Cursor":
        """Return the cursor that a text names. Raises Unprocessable for any other text.

        Args: most: rows that all of its pages may have together.
        """
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            raise Unprocessable(NO_CURSOR) from None
        if len(raw) < LIST_BYTES or (len(raw) - LIST_BYTES) % ROW_BYTES or len(raw) > LIST_BYTES + ROW_BYTES * most:
            raise Unprocessable(NO_CURSOR)
        return Cursor(raw[:LIST_BYTES], raw[LIST_BYTES:], most)

    @cached_property
    def given(self) -> frozenset[bytes]:
        """The digests of the rows given so far."""
        return frozenset(self.rows[at : at + ROW_BYTES] for at in range(0, len(self.rows), ROW_BYTES))


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted: ``category`` None means any, several mean any of them.

    ``cursor``: the rows of the pages before; then there is no ``offset``.
    """

    n: int = 10
    offset: int = 0
    category: frozenset[str] | None = None
    attributes: Attributes | None = None
    cursor: Cursor | None = None

    @property
    def narrowed(self) -> bool:
        """Whether only some items may be listed."""
        return self.category is not None or self.attributes is not None

    @property
    def given(self) -> int:
        """How many rows the pages before have given."""
        return 0 if self.cursor is None else len(self.cursor.rows) // ROW_BYTES

    def has_given(self, item: bytes) -> bool:
        """Return whether a page before listed the item."""
        return self.cursor is not None and digest(item) in self.cursor.given

    def checked(self, *what: Hashable) -> None:
        """Raise Unprocessable if the cursor belongs to another list than ``what``, or cannot go on."""
        if self.cursor is None:
            return
        if self.offset:
            raise Unprocessable("cursor, offset: give one of them, as a cursor says where the page begins")
        if self.cursor.list_id != self._list_id(what):
            raise Unprocessable("cursor: it belongs to another list; ask with the parameters of the page before")
        if len(self.cursor.rows) // ROW_BYTES + self.n > self.cursor.most:
            by_post = f"send it by POST, where there is one, for up to {MAX_POSTED_ROWS:,}; or "
            remedy = f"{by_post if self.cursor.most == MAX_ROWS else ''}use offset beyond"
            raise Unprocessable(f"cursor: its pages have at most {self.cursor.most:,} rows together here: {remedy}")

    def next_cursor(self, listed: Iterable[bytes], *what: Hashable) -> str | None:
        """Return the cursor of the next page; None where the list ends. Args: listed: the items of this page."""
        rows = [digest(item) for item in listed]
        if len(rows) < self.n or self.offset:
            return None
        before = b"" if self.cursor is None else self.cursor.rows
        return urlsafe_b64encode(b"".join([self._list_id(what), before, *rows])).rstrip(b"=").decode()

    def _list_id(self, what: Hashable) -> bytes:
        return _list_id(what, self.category, self.attributes)


@lru_cache(65_536)
def digest(item: bytes) -> bytes:
    """Return what a cursor knows an item by: two items of one list share it in one of 10^13 pairs or fewer."""
    return blake2b(item, digest_size=ROW_BYTES).digest()


@lru_cache(4_096)
def _list_id(what: Hashable, category: frozenset[str] | None, attributes: Attributes | None) -> bytes:
    wanted = attributes or Attributes()
    sets = [None if names is None else sorted(names) for names in (category, *_sets(wanted))]
    text = repr((what, sets, wanted.min_price, wanted.max_price))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=LIST_BYTES).digest()


def _sets(wanted: Attributes) -> tuple[frozenset[str] | None, ...]:
    return wanted.brands, wanted.tags, wanted.regions
