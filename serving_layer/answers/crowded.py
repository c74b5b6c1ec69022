"""Dimensions of activity with far more values than people give them: ids, by which the counters grow without limit."""

from collections.abc import Sequence
from typing import Any

from core.rows.activity import activity_key
from core.rows.codec import SUMS_HEAD
from core.rows.views import ACTIVITY
from schemas.event import BUCKET_MS
from schemas.rules import DIMENSIONS, Rules
from serving_layer.reading.snapshot import Snapshot

MANY_COUNTERS = 10_000  # of one dimension within an hour: some 200 kB, or 2 GB a year
HOURS = 2  # looked at: as_of's may have just begun


def crowded_dimensions(snapshot: Snapshot, rules: Rules) -> list[dict[str, Any]]:
    """Return the dimensions with more counters in one of the last hours, each with at least how many.

    Items are ids by nature, and what two fields make together is no more than each of them alone.
    """
    if snapshot.facts.as_of is None:
        return []
    hour, most = snapshot.facts.as_of // BUCKET_MS, dict[str, int]()
    named = [name for name in rules.dimensions if len(DIMENSIONS[name]) == 1 and name != "item"]
    asked = [(name, bucket) for name in named for bucket in range(max(0, hour - HOURS + 1), hour + 1)]
    rows = snapshot.decoded(ACTIVITY, [activity_key(*one) for one in asked], _longest)
    for (name, _), counters in zip(asked, rows, strict=True):
        most[name] = max(most.get(name, 0), counters or 0)
    return [{"dimension": name, "counters": n} for name, n in most.items() if n > MANY_COUNTERS]


def _longest(parts: Sequence[bytes]) -> int:
    """Return how many names the longest part has, which is read without decoding it: all together have no fewer."""
    return max(int(SUMS_HEAD.unpack_from(part)[0]) for part in parts)
