"""Some items' rows, and their users' histories and seen sets, against a slow fold of the lake.

The slow fold shares no code with the fold step. It needs every event of every user of an item. Items are drawn at
random; one whose users have more events than there is room for is skipped in favour of the next, so the most popular
ones are left to ``millrace verify``.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pyarrow as pa

from adapters.records.books import generation_book
from adapters.stores.port import ViewStore
from core.events.acceptance import standing_weight
from core.fold.slow import SlowView
from core.proof import proving
from core.rows.codec import bucket_key, unpack_norm, unpack_sums
from core.rows.views import COUNTS, EXCESS, HISTORY, ITEMS, NORMS, PAIRS, SEEN
from schemas.event import Event
from schemas.rules import Rules

T = TypeVar("T")


@dataclass
class Check:
    """How many values were compared, and which differ."""

    items: int = 0
    compared: int = 0
    mismatches: list[str] = field(default_factory=list)

    def hold(self, what: str, expected: T, stored: T, shown: Callable[[T], object] = lambda value: value) -> None:
        """Compare one stored value with the expected one."""
        self.compared += 1
        if expected != stored:
            self.mismatches.append(f"{what}: expected {shown(expected)}, stored {shown(stored)}")


def check(slow: SlowView, items: Sequence[str], views: ViewStore, generation: str) -> Check:
    """Compare the items' sums and categories, and histories and seen sets of all users, with the views.

    Args: slow: of all events of every user of the items.
    """
    result = Check(len(items))
    _sums(slow, items, views, generation, result)
    _categories(slow, items, views, generation, result)
    _states(slow, views, generation, result)
    return result


def recomputed(events: pa.Table, rules: Rules) -> SlowView:
    """Return the slow fold of these events."""
    slow = SlowView()
    for row in events.to_pylist():
        slow.take(Event(**row, weight=standing_weight(row["kind"], row["value"], rules)), rules)
    return slow


def _sums(slow: SlowView, items: Sequence[str], views: ViewStore, generation: str, result: Check) -> None:
    book, keys = generation_book(generation), [item.encode() for item in items]
    norms, pairs = views.read(book, NORMS, keys), views.read(book, PAIRS, keys)
    neighbours: dict[str, dict[str, int]] = defaultdict(dict)
    for (item, other), amount in slow.pairs.items():
        if amount:
            neighbours[item][other] = amount
    for item, key in zip(items, keys, strict=True):
        result.hold(f"norm of {item}", slow.norms[item], unpack_norm(norms[key]) if key in norms else 0)
        stored = {name.decode(): n for name, n in unpack_sums(pairs[key]).items()} if key in pairs else {}
        for other in neighbours[item].keys() | stored.keys():
            result.hold(f"pair of {item} with {other}", neighbours[item].get(other, 0), stored.get(other, 0))
    excess = {at: -slow.excess[at] for at in slow.counts}
    for view, what, sums in ((COUNTS, "count", slow.counts), (EXCESS, "excess", excess)):
        expected = {at: n for at, n in sums.items() if at[1] in set(items)}
        rows = views.read(book, view, sorted({bucket_key(bucket) for bucket, _ in expected}))
        by_bucket = {key: unpack_sums(row) for key, row in rows.items()}
        for (bucket, item), n in expected.items():
            stored_count = by_bucket.get(bucket_key(bucket), {}).get(item.encode(), 0)
            result.hold(f"{what} of {item} in bucket {bucket}", n, stored_count)


def _categories(slow: SlowView, items: Sequence[str], views: ViewStore, generation: str, result: Check) -> None:
    rows = views.read(generation_book(generation), ITEMS, [item.encode() for item in items])
    for item in items:
        stored = proving.stored_category(_parts(rows, item))
        result.hold(f"category of {item}", proving.category_of(slow, item), stored)


def _states(slow: SlowView, views: ViewStore, generation: str, result: Check) -> None:
    book, users = generation_book(generation), [user.encode() for user in slow.histories]
    histories, seen = views.read(book, HISTORY, users), views.read(book, SEEN, users)
    for user in slow.histories:
        expected, stored = proving.history_of(slow.histories, user), proving.stored_history(_parts(histories, user))
        result.hold(f"history of {user}", expected, stored, proving.in_words)
        words = proving.stored_words(_parts(seen, user))
        result.hold(f"items seen by {user}", slow.seen.get(user, {}), words)


def _parts(rows: Mapping[bytes, bytes], name: str) -> list[bytes]:
    key = name.encode()
    return [rows[key]] if key in rows else []
