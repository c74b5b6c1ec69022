"""A row's packed values as what they mean: what is remembered of a row in memory."""

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
    """The norm in thousandths."""
    return sum(map(unpack_norm, parts))


def facts(parts: list[bytes]) -> Facts:
    """What is known of the whole log."""
    return unpack_facts(reduce(merge_facts, parts))


def item(parts: list[bytes]) -> ItemSeen:
    """That events named the item, and with which category."""
    return unpack_item(reduce(merge_items, parts))


def history(parts: list[bytes]) -> History:
    """The user's history."""
    return unpack_history(reduce(add_history, parts))


def seen(parts: list[bytes]) -> frozenset[bytes]:
    """The items that the user rated and did not retract since."""
    return frozenset(item for item, present in overlaid(parts).items() if present)


def bucket_keys(buckets: Sequence[int]) -> list[bytes]:
    """Return the row keys of hourly buckets; there is none before 1970."""
    return [bucket_key(bucket) for bucket in buckets if bucket >= 0]
