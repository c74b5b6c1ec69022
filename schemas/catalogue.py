"""Records of the compacted topics ``items`` and ``users`` (schemas: ``item.schema.json``, ``user.schema.json``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """One item's newest record; a missing field is None, ``()`` or false. ``created_at`` is epoch milliseconds.

    An item may have several categories: ``categories_of`` of ``core.events.catalogue`` says which. It is there for
    its ``region`` and all of its ``regions``, or for everybody without any. ``tag_weights``: how relevant each of the
    ``tags`` is, where the record says so by an object of weights in the place of the array; else empty.
    """

    item_id: str
    title: str | None = None
    description: str | None = None
    category: str | None = None
    categories: tuple[str, ...] = ()
    brand: str | None = None
    price: float | None = None
    image: str | None = None
    tags: tuple[str, ...] = ()
    created_at: int | None = None
    hidden: bool = False
    region: str | None = None
    regions: tuple[str, ...] = ()
    tag_weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """One user's newest record; ``preferences`` are categories, the favourite first."""

    user_id: str
    preferences: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
