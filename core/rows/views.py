"""The views and how two values of one key become one: what both layers add up and serving merges.

A view's rows are keyed by item, bucket or user. ``merge(earlier, later)`` is associative, so a stretch of the log
may be cut anywhere. Batch rows, segment rows and changes within a micro-batch are all merged by these.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.rows.codec import (
    Facts,
    add_history,
    pack_facts,
    pack_norm,
    unpack_facts,
    unpack_item,
    unpack_norm,
)
from core.rows.sketch import merge_sketches

PAIRS, NORMS, COUNTS, ITEMS, FACTS = "pairs", "norms", "counts", "items", "facts"
HISTORY, SEEN = "history", "seen"
ACTIVITY, ACTIVE_USERS = "activity", "active_users"
EXCESS, EXCESS_USERS = "excess", "excess_users"
FACTS_KEY = b"facts"


def merge_norms(earlier: bytes, later: bytes) -> bytes:
    return pack_norm(unpack_norm(earlier) + unpack_norm(later))


def merge_sums(earlier: bytes, later: bytes) -> bytes:
    """Add two packed sums name by name; what becomes 0 is left out. Compiled: this is the layers' innermost loop."""
    from core.rows.sums_kernel import add_sums

    return add_sums(earlier, later)


def merge_items(earlier: bytes, later: bytes) -> bytes:
    """Keep the category of the greatest (event_time, partition, offset)."""
    a, b = unpack_item(earlier), unpack_item(later)
    newer = (b.event_time, b.partition, b.offset) >= (a.event_time, a.partition, a.offset)
    return later if newer else earlier


def merge_seen(earlier: bytes, later: bytes) -> bytes:
    """Return the words on every item of both, two on one item joined (``core.rows.words.joined_words``)."""
    from core.rows.sums_kernel import overlay_sums

    return overlay_sums(earlier, later)


def merge_facts(earlier: bytes, later: bytes) -> bytes:
    a, b = unpack_facts(earlier), unpack_facts(later)
    rejected = dict(a.rejected or {})
    for reason, count in (b.rejected or {}).items():
        rejected[reason] = rejected.get(reason, 0) + count
    return pack_facts(
        Facts(
            as_of=max((x for x in (a.as_of, b.as_of) if x is not None), default=None),
            oldest_bucket=min((x for x in (a.oldest_bucket, b.oldest_bucket) if x is not None), default=None),
            events=a.events + b.events,
            rejected=rejected,
            duplicates=a.duplicates + b.duplicates,
            first_hour=min((x for x in (a.first_hour, b.first_hour) if x is not None), default=None),
            excess=a.excess + b.excess,
        )
    )


@dataclass(frozen=True)
class View:
    """One view, with all that adding it up takes: the layers, the readers and the stores know views by this alone.

    ``kernel``: the compiled function that merges many rows at once, as ``module:function`` of this room, imported when
    it is needed (``core.rows.merging_columns``); without one ``merge`` takes them one by one. ``segmented``: its rows
    hold what happened in one segment, else a user's whole state. ``shared``: several tasks may change one row, so
    changes are shuffled by row; else a row belongs to one user. ``tiered``: its rows grow long, so the speed layer
    keeps most of a row apart (``core.rows.tagged``).
    """

    name: str
    merge: Callable[[bytes, bytes], bytes]
    kernel: str = ""
    segmented: bool = True
    shared: bool = True
    tiered: bool = False


VIEWS = {
    view.name: view
    for view in (
        View(PAIRS, merge_sums, "sums_kernel:add_rows", tiered=True),  # item -> {other item: pair co-rating}
        View(NORMS, merge_norms, "rows_kernel:add_norms"),  # item -> norm
        View(COUNTS, merge_sums, "sums_kernel:add_rows", tiered=True),  # bucket -> {item: count}
        View(EXCESS, merge_sums, "sums_kernel:add_rows"),  # bucket -> {item: less than 0, what popularity leaves out}
        View(EXCESS_USERS, merge_sums, "sums_kernel:add_rows"),  # day -> {user: events beyond their share}
        View(ACTIVITY, merge_sums, "sums_kernel:add_rows", tiered=True),  # dimension, bucket -> {value, kind: count}
        View(ACTIVE_USERS, merge_sketches, "sketch_kernel:merge_sketches"),  # bucket -> sketch of its active users
        View(ITEMS, merge_items, "rows_kernel:newer_items"),  # item -> that it occurred, its category
        View(FACTS, merge_facts),  # one row
        View(HISTORY, add_history, "rows_kernel:add_histories", segmented=False, shared=False),  # user -> history
        # user -> {item: rating and touches, or that it was retracted}
        View(SEEN, merge_seen, "sums_kernel:overlay_rows", shared=False),
    )
}
