"""Everything that serving can read of the merged views, and what the slow twin says it must be."""

from collections.abc import Callable
from typing import Any

from core.fold.slow import SlowView
from core.rows.activity import activity_key
from core.rows.codec import bucket_key
from core.rows.merging import added
from core.rows.sketch import joined_ranks, unpack_sketch
from core.rows.views import ACTIVE_USERS, ACTIVITY, EXCESS, EXCESS_USERS
from schemas.control import Offsets
from schemas.event import BUCKET_MS, DAY_MS
from schemas.rules import Rules
from serving_layer.reading.decoding import bucket_keys
from serving_layer.reading.snapshot import Snapshot
from tests.kit.exact.memory_log import HOUR, ITEMS, START, USERS, MemoryLog
from tests.kit.folding import event_key
from tests.kit.merged_views import pairs_of

BUCKETS = range(START // BUCKET_MS, START // BUCKET_MS + 100 * HOUR // BUCKET_MS)
DAYS = range(START // DAY_MS - 1, START // DAY_MS + 7)
READ = ("all", "item")  # of the counters of activity
ACTIVITY_KEYS = [activity_key(dimension, bucket) for dimension in READ for bucket in BUCKETS]


def read_all(snapshot: Snapshot) -> tuple[Snapshot, dict[str, Any]]:
    """Every row of every view, through the calls that the lookups make."""
    items = [name.encode() for name in ITEMS]
    facts, users = snapshot.facts, [name.encode() for name in USERS]
    return snapshot, {
        "norms": {item: amount for item, amount in snapshot.norms(items).items() if amount},
        "pairs": {item: row for item, row in pairs_of(snapshot, items).items() if row},
        "counts": snapshot.counts(BUCKETS),
        "excess": _there(snapshot, EXCESS, bucket_keys(BUCKETS), added),
        "excess_users": _there(snapshot, EXCESS_USERS, bucket_keys(DAYS), added),
        "activity": _there(snapshot, ACTIVITY, ACTIVITY_KEYS, added),
        "active_users": _there(snapshot, ACTIVE_USERS, bucket_keys(BUCKETS), _ranks),
        "histories": {user: _history(snapshot, user) for user in users},
        "seen": {user: snapshot.seen(user) for user in users},
        "items": {
            name: (item.event_time, item.partition, item.offset, item.category)
            for name, item in snapshot.items(items).items()
        },
        "facts": (
            facts.as_of,
            facts.oldest_bucket,
            facts.events,
            facts.duplicates,
            facts.excess,
            facts.rejected or {},
        ),
    }


def must_be(log: MemoryLog, upto: Offsets, rules: Rules, marks: int) -> dict[str, Any]:
    """What ``read_all`` must give for the events below ``upto``, with that many marks of forgotten users in effect."""
    slow = log.slow(upto, rules, marks)
    pairs: dict[bytes, dict[bytes, int]] = {}
    for (item, other), amount in slow.pairs.items():
        if amount:
            pairs.setdefault(item.encode(), {})[other.encode()] = amount
    counts: dict[int, dict[bytes, int]] = {}
    for (bucket, item), count in slow.counts.items():
        counts.setdefault(bucket, {})[item.encode()] = count
    excess: dict[bytes, dict[bytes, int]] = {}
    for (bucket, item), events in slow.excess.items():
        excess.setdefault(bucket_key(bucket), {})[item.encode()] = -events
    excess_users: dict[bytes, dict[bytes, int]] = {}
    for (day, user), events in slow.excess_users.items():
        excess_users.setdefault(bucket_key(day), {})[user.encode()] = events
    activity: dict[bytes, dict[bytes, int]] = {}
    for (dimension, bucket, name), count in slow.activity.items():
        if dimension in READ:
            activity.setdefault(activity_key(dimension, bucket), {})[name.encode()] = count
    return {
        "norms": {item.encode(): amount for item, amount in slow.norms.items() if amount},
        "pairs": pairs,
        "counts": counts,
        "excess": excess,
        "excess_users": excess_users,
        "activity": activity,
        "active_users": {bucket_key(bucket): ranks for bucket, ranks in slow.active_users.items()},
        "histories": {user.encode(): _slow_history(slow, user) for user in USERS},
        "seen": {user.encode(): _slow_seen(slow, user) for user in USERS},
        "items": {item.encode(): named for item, named in slow.categories.items()},
        "facts": (
            slow.as_of,
            min(counts, default=None),
            slow.events,
            slow.duplicates,
            sum(slow.excess_users.values()),
            log.rejected(upto, marks=marks),
        ),
    }


def _there(
    snapshot: Snapshot, view: str, keys: list[bytes], decode: Callable[[list[bytes]], dict[Any, int]]
) -> dict[bytes, dict[Any, int]]:
    rows = zip(keys, snapshot.decoded(view, keys, decode), strict=True)
    return {key: row for key, row in rows if row}


def _ranks(parts: list[bytes]) -> dict[int, int]:
    return joined_ranks(*map(unpack_sketch, parts))


def differences(must: dict[str, Any], views: dict[str, Any]) -> list[str]:
    """In words, one line a view."""
    return [f"{view}: must be {must[view]}, is {views[view]}" for view in must if must[view] != views[view]]


def _history(snapshot: Snapshot, user: bytes) -> tuple[Any, ...]:
    history = snapshot.history(user)
    entries = [(entry.item, entry.rating, entry.last_time) for entry in history.entries]
    return entries, list(history.ids), history.day, dict(history.counted)


def _slow_history(slow: SlowView, user: str) -> tuple[Any, ...]:
    history = slow.histories.get(user)
    if history is None:
        return [], [], 0, {}
    entries = [(item.encode(), rating, last) for item, (rating, last) in history.entries.items()]
    return entries, [event_key(event_id) for event_id in history.ids], history.day, history.counted


def _slow_seen(slow: SlowView, user: str) -> set[bytes]:
    return {item.encode() for item, seen in slow.seen.get(user, {}).items() if seen}
