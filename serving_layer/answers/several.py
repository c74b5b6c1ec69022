"""Several items at once, as a list on a page needs them: their records, and their counts hour by hour."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.rows.catalogue_rows import plain
from schemas.event import BUCKET_MS
from serving_layer.merged.catalogue import Described, describe
from serving_layer.merged.count_cache import cache_of
from serving_layer.reading.snapshot import Snapshot

SHOWN = ("title", "brand", "price", "image")  # members of a record
Counts = Mapping[int, Sequence[bytes]]  # bucket -> packed sums


def several(snapshot: Snapshot, items: Sequence[bytes], hours: int) -> dict[str, Any]:
    """Return what is known of those items, with the events that counted in each of the last ``hours``, oldest first.

    ``batch`` are the generation's counts and ``speed`` what the segments add: their sums are the merged counts. An
    item that nothing names is listed with ``known`` false.
    """
    last = (snapshot.facts.as_of or 0) // BUCKET_MS
    buckets = list(range(max(0, last - hours + 1), last + 1))
    of_generation = {bucket: [row] for bucket, row in snapshot.counts_of_generation(buckets).items()}
    batch = _counts(snapshot, items, buckets, of_generation)
    speed = _counts(snapshot, items, buckets, snapshot.counts_of_segments(buckets))
    about = describe(snapshot, items)
    return {
        **snapshot.header(),
        "hours": [bucket * BUCKET_MS for bucket in buckets],
        "items": [
            {"item_id": item.decode(), **_record(about[item]), "batch": batch[place], "speed": speed[place]}
            for place, item in enumerate(items)
        ],
    }


def _record(about: Described) -> dict[str, Any]:
    record = plain(about.record) if about.record else {}
    members = {name: record.get(name) for name in SHOWN}
    return {**members, **about.shown(), "known": about.known, "hidden": not about.listed}


def _counts(
    snapshot: Snapshot, items: Sequence[bytes], buckets: Sequence[int], parts: Counts
) -> list[list[int]]:  # fmt: skip
    """Return for each item its count in each bucket."""
    cache, codes = cache_of(snapshot), snapshot.index.codes(items)
    table = np.zeros((len(items), len(buckets)), np.int64)
    for place, bucket in enumerate(buckets):
        for packed in parts.get(bucket, ()):
            names, amounts = cache.columns(packed, snapshot)
            of_all = np.zeros(len(snapshot.index), np.int64)
            of_all[names] = amounts
            table[:, place] += of_all[codes]
    counts: list[list[int]] = table.tolist()
    return counts
