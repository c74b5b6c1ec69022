"""The JSON rows in which the newest catalogue records are kept; ``null`` for what a null record deleted.

A row holds every member of its record, so that a change of some leaves the others as they were; reading it as an item
or a user takes the members known here. Those that an older version did not write are absent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any

from schemas.catalogue import Item, User

NEWEST = 500  # items whose first record is the newest, which the sources of new items list
DELETED = b"null"  # kept, since a deleted item leaves the lists and one that was never described does not


def plain(entry: Item | User) -> dict[str, Any]:
    """Return a record as JSON shows it: without the members that it leaves out, but with a price of 0."""
    members = {name: value for name, value in asdict(entry).items() if not _left_out(value)}
    if weights := members.pop("tag_weights", ()):
        members["tags"] = dict(zip(members["tags"], weights, strict=True))
    return members


def pack_entry(entry: Item | User | None, value: bytes | None = None) -> bytes:
    """Return a packed entry; None means deleted. ``value``, the record's bytes, adds members that the entry lacks."""
    if entry is None:
        return DELETED
    known = {member.name for member in fields(entry)}
    others = {name: member for name, member in json.loads(value or b"{}").items() if name not in known}
    return json.dumps({**others, **plain(entry)}, ensure_ascii=False).encode()


def pack_newest(row: bytes | None, times: Mapping[bytes, int]) -> bytes:
    """Return the row of the newest items with those added, by time in epoch ms; the same items again change nothing."""
    known = {**{item.encode(): time for item, time in times_of_newest(row)}, **times}
    newest = sorted(known.items(), key=lambda entry: (-entry[1], entry[0]))[:NEWEST]
    return json.dumps([[item.decode(), time] for item, time in newest], ensure_ascii=False).encode()


@lru_cache(4)  # readers ask at each commit, and it changes only with a new item
def times_of_newest(row: bytes | None) -> Sequence[tuple[str, int]]:
    """Return the newest items with the times at which they came, the newest first."""
    return tuple((item, time) for item, time in json.loads(row or b"[]"))


def unpack_item_record(row: bytes | None) -> Item | None:
    """Return the item; None when the row is missing or says deleted."""
    members = _members(row, Item)
    if members is None:
        return None
    tags = members.get("tags", ())
    if isinstance(tags, dict):
        members["tag_weights"] = tuple(tags.values())
    return Item(**{**members, **{name: tuple(members.get(name, ())) for name in ("categories", "tags", "regions")}})


def unpack_user_record(row: bytes | None) -> User | None:
    """Return the user; None when the row is missing or says deleted."""
    members = _members(row, User)
    return None if members is None else User(**{**members, "preferences": tuple(members.get("preferences", ()))})


def _members(row: bytes | None, kind: type[Item] | type[User]) -> dict[str, Any] | None:
    read: dict[str, Any] | None = json.loads(row or DELETED)
    return None if read is None else {member.name: read[member.name] for member in fields(kind) if member.name in read}


def _left_out(value: object) -> bool:
    return value is None or value is False or value in ((), {})
