"""Some items' rows, and their users' histories and seen sets, against a slow fold of the lake.

That is another path than the fold step's. The slow fold needs every event of every user of an item. Items are drawn at
random; one whose users have more events than there is room for gives way to the next, so the most popular ones are left
to ``millrace verify``.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from adapters.records.books import generation_book
from adapters.stores.port import ViewStore
from core.events.acceptance import standing_weight
from core.fold.slow import SlowView
from core.proof import proving
from core.rows.codec import bucket_key, unpack_norm, unpack_sums
from core.rows.views import COUNTS, HISTORY, ITEMS, NORMS, PAIRS, SEEN
from schemas.event import STORED_COLUMNS, Event
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

T = TypeVar("T")
MOST_EVENTS = 50_000  # folded one by one in this process: some seconds


@dataclass
class Check:
    """How many values were held against each other, and the first that differ."""

    items: int = 0
    compared: int = 0
    mismatches: list[str] = field(default_factory=list)

    def hold(self, what: str, expected: T, stored: T, shown: Callable[[T], object] = lambda value: value) -> None:
        """Hold one value against the other."""
        self.compared += 1
        if expected != stored:
            self.mismatches.append(f"{what}: expected {shown(expected)}, stored {shown(stored)}")


def drawn(lake: "DataFrame", number: int, seed: str) -> list[str]:
    """Up to ``number`` items, whose users' events together are no more than can be folded here."""
    from pyspark.sql import functions as F

    order = F.xxhash64("item_id", F.lit(seed))
    items = lake.select("item_id").distinct().orderBy(order).limit(2 * number)
    touched = lake.join(F.broadcast(items), "item_id").select("item_id", "user_id").distinct()
    active = lake.groupBy("user_id").agg(F.count("*").alias("events"))
    sizes = touched.join(active, "user_id").groupBy("item_id").agg(F.sum("events").alias("events"))
    chosen: list[str] = []
    room = MOST_EVENTS
    for row in sizes.orderBy(order).collect():
        if row["events"] <= room and len(chosen) < number:
            chosen.append(row["item_id"])
            room -= row["events"]
    return chosen


def check(slow: SlowView, items: Sequence[str], views: ViewStore, generation: str) -> Check:
    """Hold the items' sums and categories, and histories and seen sets of all users, against the views.

    Args: slow: of all events of every user of the items.
    """
    found = Check(len(items))
    _sums(slow, items, views, generation, found)
    _categories(slow, items, views, generation, found)
    _states(slow, views, generation, found)
    return found


def users_events(lake: "DataFrame", items: Sequence[str]) -> pa.Table:
    """All events of the users who touched one of the items, in log order within each partition."""
    from pyspark.sql import functions as F

    users = lake.where(F.col("item_id").isin(list(items))).select("user_id").distinct()
    rows = lake.join(users, "user_id").select(*STORED_COLUMNS.names).toArrow()
    return rows.sort_by([("partition", "ascending"), ("offset", "ascending")])


def recomputed(events: pa.Table, rules: Rules) -> SlowView:
    """The slow fold of these events."""
    slow = SlowView()
    for row in events.to_pylist():
        slow.take(Event(**row, weight=standing_weight(row["kind"], row["value"], rules)), rules)
    return slow


def _sums(slow: SlowView, items: Sequence[str], views: ViewStore, generation: str, found: Check) -> None:
    book, keys = generation_book(generation), [item.encode() for item in items]
    norms, pairs = views.read(book, NORMS, keys), views.read(book, PAIRS, keys)
    neighbours: dict[str, dict[str, int]] = defaultdict(dict)
    for (item, other), amount in slow.pairs.items():
        if amount:
            neighbours[item][other] = amount
    for item, key in zip(items, keys, strict=True):
        found.hold(f"norm of {item}", slow.norms[item], unpack_norm(norms[key]) if key in norms else 0)
        stored = {name.decode(): n for name, n in unpack_sums(pairs[key]).items()} if key in pairs else {}
        for other in neighbours[item].keys() | stored.keys():
            found.hold(f"pair of {item} with {other}", neighbours[item].get(other, 0), stored.get(other, 0))
    counted = {at: n for at, n in slow.counts.items() if at[1] in set(items)}
    rows = views.read(book, COUNTS, sorted({bucket_key(bucket) for bucket, _ in counted}))
    by_bucket = {key: unpack_sums(row) for key, row in rows.items()}
    for (bucket, item), n in counted.items():
        stored_count = by_bucket.get(bucket_key(bucket), {}).get(item.encode(), 0)
        found.hold(f"count of {item} in bucket {bucket}", n, stored_count)


def _categories(slow: SlowView, items: Sequence[str], views: ViewStore, generation: str, found: Check) -> None:
    rows = views.read(generation_book(generation), ITEMS, [item.encode() for item in items])
    for item in items:
        stored = proving.stored_category(_parts(rows, item))
        found.hold(f"category of {item}", proving.category_of(slow, item), stored)


def _states(slow: SlowView, views: ViewStore, generation: str, found: Check) -> None:
    book, users = generation_book(generation), [user.encode() for user in slow.histories]
    histories, seen = views.read(book, HISTORY, users), views.read(book, SEEN, users)
    for user in slow.histories:
        expected, stored = proving.history_of(slow.histories, user), proving.stored_history(_parts(histories, user))
        found.hold(f"history of {user}", expected, stored, proving.in_words)
        words = proving.stored_words(_parts(seen, user))
        found.hold(f"items seen by {user}", slow.seen.get(user, {}), words)


def _parts(rows: Mapping[bytes, bytes], name: str) -> list[bytes]:
    key = name.encode()
    return [rows[key]] if key in rows else []
