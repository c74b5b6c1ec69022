"""What rows of the views must hold according to the slow twin: ``verify`` and the gate's sample check compare with it.

It shares formats with the layers (``core.rows.codec``), but no computations: digests come from the standard library.
"""

import hashlib
from collections.abc import Mapping
from functools import reduce
from typing import Any

from core.fold.slow import SlowHistory, SlowView
from core.rows.codec import (
    ID_BYTES,
    Facts,
    History,
    HistoryEntry,
    ItemSeen,
    add_history,
    unpack_facts,
    unpack_history,
    unpack_item,
)
from core.rows.merging import overlaid
from core.rows.views import merge_facts, merge_items
from core.rows.words import Seen
from schemas.event import WEIGHT_SCALE


def digest(event_id: str) -> bytes:
    """Return the digest by which a history remembers an event id."""
    return hashlib.blake2b(event_id.encode(), digest_size=ID_BYTES).digest()


def history_of(histories: Mapping[str, SlowHistory], user: str) -> History:
    """Return the user's history; empty when the user has no events."""
    known = histories.get(user)
    if known is None:
        return History()
    entries = (HistoryEntry(item.encode(), *entry) for item, entry in known.entries.items())
    return History(tuple(entries), tuple(map(digest, known.ids)), known.day, tuple(known.counted.items()))


def category_of(slow: SlowView, item: str) -> ItemSeen | None:
    """Return the newest event that names the item's category; None when the item has no events."""
    known = slow.categories.get(item)
    return None if known is None else ItemSeen(*known)


def facts_of(slow: SlowView) -> Facts:
    """Return the facts of everything that was folded."""
    oldest = min((bucket for bucket, _ in slow.counts), default=None)
    excess = slow.excess_users.total()
    return Facts(slow.as_of, oldest, slow.events, dict(slow.rejected), slow.duplicates, slow.first_hour, excess)


def users_of(slow: SlowView, items: set[str]) -> set[str]:
    """Return the users who rated or retracted one of the items."""
    return {user for user, words in slow.seen.items() if not items.isdisjoint(words)}


def stored_history(parts: list[bytes]) -> History:
    """Return a history from its packed parts, earliest first."""
    return unpack_history(reduce(add_history, parts)) if parts else History()


def stored_words(parts: list[bytes]) -> dict[str, Seen]:
    """Return what a seen set says of each item, retracted ones too, from its packed parts."""
    return {item.decode(): seen for item, seen in overlaid(parts).items()}


def seen_in_words(seen: Seen | None) -> str:
    """Return what a seen set says of an item."""
    if seen is None or not seen.rating:
        return "nothing" if seen is None else "retracted"
    minutes = f"between minutes {seen.first} and {seen.last}"
    return f"seen, rated {seen.rating / WEIGHT_SCALE:g}, touched {seen.touches} times {minutes}"


def stored_category(parts: list[bytes]) -> ItemSeen | None:
    """Return an item's row from its packed parts."""
    return unpack_item(reduce(merge_items, parts)) if parts else None


def stored_facts(parts: list[bytes]) -> Facts:
    """Return the row of facts from its packed parts."""
    return unpack_facts(reduce(merge_facts, parts)) if parts else Facts()


def named(facts: Facts) -> dict[str, Any]:
    """Return the facts by name, without duplicates and excess."""
    rejected = {f"rejected, {reason}": count for reason, count in (facts.rejected or {}).items()}
    hours = {"oldest bucket": facts.oldest_bucket, "first hour": facts.first_hour}
    return {"as_of": facts.as_of, **hours, "events": facts.events} | rejected


def in_words(history: History) -> str:
    """Return a history in words: its items with ratings and times, and how many ids it remembers."""
    entries = ", ".join(f"{e.item.decode()} {e.rating} at {e.last_time}" for e in history.entries)
    ids = f"{len(history.ids)} ids" + (f" to {history.ids[-1].hex()[:8]}" if history.ids else "")
    counted = f", {sum(n for _, n in history.counted)} events counted on day {history.day}" if history.day else ""
    return f"[{entries}] and {ids}{counted}"
