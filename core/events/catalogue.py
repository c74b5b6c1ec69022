"""Parsing the compacted topics ``items`` and ``users``; the decoding and the field rules are the events' own.

The order of reasons is the events' too: ``oversize``, ``malformed``, ``missing:`` and ``invalid:`` in the order of
the dataclass, ``key_mismatch``. Unknown fields are ignored.
"""

from collections.abc import Callable
from typing import TypeVar

from core.events import fields
from core.events.fields import Fields, Refused
from core.events.timestamps import epoch_ms
from core.json.strict_json import read_object
from schemas.catalogue import Item, User
from schemas.event import Rejected

_Entry = TypeVar("_Entry", Item, User)
MAX_RELEVANCE = 1_000.0  # of a tag
_EARLIEST_MS = -62_135_596_800_000  # 0001-01-01T00:00:00Z, the first that a date-time can name here
_LATEST_MS = 253_402_300_799_999  # the last millisecond of 9999


def parse_item(key: bytes | None, value: bytes | None) -> Item | Rejected | None:
    """Return the item that a record describes; None when it deletes the item that its key names. Never raises."""
    return _parse(key, value, _item, lambda item: item.item_id)


def parse_user(key: bytes | None, value: bytes | None) -> User | Rejected | None:
    """Return the user that a record describes; None when it deletes the user that its key names. Never raises."""
    return _parse(key, value, _user, lambda user: user.user_id)


def categories_of(record: Item | None, of_events: str) -> tuple[str, ...]:
    """Return all categories of an item, the main one first, each once; ``()`` for an item without any.

    The record's ``category`` is the main one, else the first of its ``categories``; ``of_events``, the category that
    events gave, counts only where the record names none. An empty string names none.
    """
    named = () if record is None else (record.category, *record.categories)
    return tuple(dict.fromkeys(name for name in named if name)) or ((of_events,) if of_events else ())


def _parse(
    key: bytes | None, value: bytes | None, read: Callable[[Fields], _Entry], id_of: Callable[[_Entry], str]
) -> _Entry | Rejected | None:
    if value is None:
        return None if _names_something(key) else Rejected("key_mismatch")
    members = read_object(value)
    if isinstance(members, Rejected):
        return members
    try:
        entry = read(Fields(members))
    except Refused as refused:
        return Rejected(refused.reason)
    return entry if id_of(entry).encode() == key else Rejected("key_mismatch")


def _names_something(key: bytes | None) -> bool:
    """Return whether the key can be an id, so that a null value has something to delete."""
    try:
        return key is not None and fields.identifier(key.decode()) is not None
    except UnicodeDecodeError:
        return False


def _item(given: Fields) -> Item:
    return Item(
        item_id=given.required("item_id", fields.identifier),
        title=given.optional("title", fields.any_text),
        description=given.optional("description", fields.any_text),
        category=given.optional("category", fields.text),
        categories=given.optional("categories", fields.texts) or (),
        brand=given.optional("brand", fields.text),
        price=given.optional("price", _price),
        image=given.optional("image", fields.any_text),
        tags=given.optional("tags", _tags) or (),
        created_at=given.optional("created_at", _created_at),
        hidden=given.optional("hidden", fields.boolean) or False,
        region=given.optional("region", fields.text),
        regions=given.optional("regions", fields.texts) or (),
        tag_weights=given.optional("tags", _tag_weights) or (),
    )


def _user(given: Fields) -> User:
    return User(
        user_id=given.required("user_id", fields.identifier),
        preferences=given.optional("preferences", _preferences) or (),
        attributes=given.optional("attributes", fields.json_object) or {},
    )


def _price(given: object) -> float | None:
    price = fields.number(given)
    return price if price is not None and price >= 0 else None


def _tags(given: object) -> tuple[str, ...] | None:
    """Return the tags of an array, or the names of an object that says how relevant each is."""
    if not isinstance(given, dict):
        return fields.texts(given)
    names, weights = fields.texts(list(given)), [fields.number(weight) for weight in given.values()]
    good = weights and all(weight is not None and 0 <= weight <= MAX_RELEVANCE for weight in weights)
    return names if good else None


def _tag_weights(given: object) -> tuple[float, ...] | None:
    """Return how relevant each tag of an object is; nothing for an array."""
    if not isinstance(given, dict):
        return ()
    return tuple(weight for value in given.values() if (weight := fields.number(value)) is not None)


def _created_at(given: object) -> int | None:
    time = epoch_ms(given)
    return time if time is not None and _EARLIEST_MS <= time <= _LATEST_MS else None


def _preferences(given: object) -> tuple[str, ...] | None:
    """Return an array of categories, or an object that may hold one as ``categories``."""
    if isinstance(given, dict):
        categories = given.get("categories")
        return () if categories is None else fields.texts(categories)
    return fields.texts(given)
