"""The merged views as data: what the serving layer reads of them, and what the slow twin has."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from core.fold.slow import SlowView
from core.rows.merging import added
from core.rows.views import PAIRS
from schemas.control import Offsets
from serving_layer.reading.snapshot import Snapshot
from tests.kit.folding import event_key

Merged = dict[str, Any]


@dataclass(frozen=True)
class Names:
    """All that the log names, accepted or not: what to ask the views for."""

    users: list[str]
    items: list[str]
    buckets: list[int]


def pairs_of(snapshot: Snapshot, items: list[bytes]) -> dict[bytes, dict[bytes, int]]:
    """Return each item's co-ratings in thousandths, by the other item, read without compiled code."""
    sums = snapshot.decoded(PAIRS, items, added)
    return {item: pairs for item, pairs in zip(items, sums, strict=True) if pairs is not None}


def read_merged(snapshot: Snapshot, names: Names) -> tuple[Merged, Offsets]:
    items, facts = [item.encode() for item in names.items], snapshot.facts
    norms, seen_items = snapshot.norms(items), snapshot.items(items)
    pairs, counts = pairs_of(snapshot, items), snapshot.counts(names.buckets)
    histories = {user: snapshot.history(user.encode()) for user in names.users}
    merged = {
        "degraded": snapshot.degraded,
        "norms": {item.decode(): amount for item, amount in norms.items() if amount},
        "pairs": {(a.decode(), b.decode()): n for a, row in pairs.items() for b, n in row.items()},
        "counts": {(bucket, item.decode()): n for bucket, row in counts.items() for item, n in row.items()},
        "histories": {
            user: ([(e.item.decode(), e.rating, e.last_time) for e in history.entries], list(history.ids))
            for user, history in histories.items()
            if history.ids
        },
        "seen": {user: {item.decode() for item in snapshot.seen(user.encode())} for user in names.users},
        "categories": {
            item.decode(): (seen.event_time, seen.partition, seen.offset, seen.category)
            for item, seen in seen_items.items()
        },
        "facts": (facts.as_of, facts.oldest_bucket, facts.events, facts.duplicates, facts.rejected or {}),
    }
    merged["seen"] = {user: items for user, items in merged["seen"].items() if items}
    return merged, snapshot.offsets


def as_merged(slow: SlowView, rejected: Counter[str]) -> Merged:
    seen = {user: {item for item, there in items.items() if there} for user, items in slow.seen.items()}
    oldest = min((bucket for bucket, _ in slow.counts), default=None)
    return {
        "facts": (slow.as_of, oldest, slow.events, slow.duplicates, dict(rejected)),
        "norms": {item: amount for item, amount in slow.norms.items() if amount},
        "pairs": {pair: amount for pair, amount in slow.pairs.items() if amount},
        "counts": dict(slow.counts),
        "histories": {
            user: ([(item, r, t) for item, (r, t) in history.entries.items()], [event_key(i) for i in history.ids])
            for user, history in slow.histories.items()
            if history.ids
        },
        "seen": {user: items for user, items in seen.items() if items},
        "categories": slow.categories,
    }
