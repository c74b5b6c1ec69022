"""Hourly counts as popularity and trends take them: without what is beyond a user's share of an item (contract §3)."""

from collections.abc import Callable, Sequence

from core.rows.codec import bucket_of_key
from core.rows.views import COUNTS, EXCESS
from serving_layer.memory.row import Row
from serving_layer.reading.decoding import bucket_keys
from serving_layer.reading.snapshot import Snapshot

Parts = dict[int, list[bytes]]  # hour since the epoch -> packed sums that add up


def of_generation(snapshot: Snapshot, buckets: Sequence[int]) -> Parts:
    """Return the generation's counts, and less its excess."""
    return _together(snapshot, buckets, lambda row: [] if row.generation is None else [row.generation])


def of_segments(snapshot: Snapshot, buckets: Sequence[int]) -> Parts:
    """Return the segments' counts, which are to be added to the generation's; an hour's excess never changes alone."""
    return _together(snapshot, buckets, lambda row: list(row.changes or ()))


def _together(snapshot: Snapshot, buckets: Sequence[int], parts: Callable[[Row], list[bytes]]) -> Parts:
    keys, out = bucket_keys(buckets), Parts()
    for view in (COUNTS, EXCESS) if snapshot.facts.excess else (COUNTS,):
        for key, row in snapshot.rows(view, keys).items():
            if packed := parts(row):
                out.setdefault(bucket_of_key(key), []).extend(packed)
    return out
