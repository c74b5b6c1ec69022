"""The JSON rows in which the newest catalogue records are kept; ``null`` for what a null record deleted."""

import json
from dataclasses import asdict
from typing import Any

from schemas.catalogue import Item, User

DELETED = b"null"  # kept, since a deleted item leaves the lists and one that was never described does not


def plain(entry: Item | User) -> dict[str, Any]:
    """A record as JSON shows it: what it leaves out is left out."""
    return {name: value for name, value in asdict(entry).items() if value not in (None, (), {}, False)}


def pack_entry(entry: Item | User | None) -> bytes:
    """A row; None: deleted."""
    return DELETED if entry is None else json.dumps(plain(entry), ensure_ascii=False).encode()


def unpack_item_record(row: bytes | None) -> Item | None:
    """The item; None when there is no row or it says deleted."""
    raw = json.loads(row or DELETED)
    return None if raw is None else Item(**{**raw, "tags": tuple(raw.get("tags", ()))})


def unpack_user_record(row: bytes | None) -> User | None:
    """The user; None when there is no row or it says deleted."""
    raw = json.loads(row or DELETED)
    return None if raw is None else User(**{**raw, "preferences": tuple(raw.get("preferences", ()))})
