"""Decodes a row's packed values; the decoded forms are what rows in memory remember."""

from collections.abc import Sequence
from functools import reduce

from core.rows.codec import (
    Facts,
    History,
    ItemSeen,
    add_history,
    bucket_key,
    unpack_facts,
    unpack_history,
    unpack_item,
    unpack_norm,
)
from core.rows.merging import overlaid
from core.rows.views import merge_facts, merge_items


def norm(parts: list[bytes]) -> int:
    """Return the norm in thousandths."""
    return sum(map(unpack_norm, parts))


def facts(parts: list[bytes]) -> Facts:
    """Return what is known of the whole log."""
    return unpack_facts(reduce(merge_facts, parts))


def item(parts: list[bytes]) -> ItemSeen:
    """Return that events named the item and the category they gave it."""
    return unpack_item(reduce(merge_items, parts))


def history(parts: list[bytes]) -> History:
    """Return the user's history."""
    return unpack_history(reduce(add_history, parts))


def seen(parts: list[bytes]) -> frozenset[bytes]:
    """Return the items that the user rated and did not retract since."""
    return frozenset(item for item, seen in overlaid(parts).items() if seen.rating)


def bucket_keys(buckets: Sequence[int]) -> list[bytes]:
    """Return the row keys of hourly buckets; there is none before 1970."""
    return [bucket_key(bucket) for bucket in buckets if bucket >= 0]
