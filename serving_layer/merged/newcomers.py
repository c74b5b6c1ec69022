"""Items that are new: first counted in the last hours."""

import numpy as np

from core.ranking.ranked import Ordered, by_newness
from core.ranking.scores import Window
from recommenders.port import Ints
from serving_layer.merged.counts import cache_of, once_a_commit
from serving_layer.reading.snapshot import Snapshot

Parts = dict[int, list[bytes]]  # bucket -> packed counts


def newcomers(snapshot: Snapshot, hours: int) -> Ordered | None:
    """Return the items first counted in the last ``hours`` and not in the baseline before, the newest first."""
    as_of = snapshot.facts.as_of
    if as_of is None:
        return None
    window = Window.ending(as_of, hours)
    buckets = range(window.baseline.start, window.window.stop)

    def of_generation() -> Ints:
        parts = {bucket: [row] for bucket, row in snapshot.counts_of_generation(buckets).items()}
        return _first(snapshot, np.zeros(0, np.int64), parts, buckets.stop)

    def made() -> Ordered:
        earlier = cache_of(snapshot).of_generation(("newcomers", hours, buckets.stop), of_generation)
        first = _first(snapshot, earlier, snapshot.counts_of_segments(buckets), buckets.stop)
        return by_newness(first, window.window, snapshot.index, snapshot.views.kernels)

    return once_a_commit(snapshot, ("newcomers", hours, buckets.stop), made)


def _first(snapshot: Snapshot, known: Ints, parts: Parts, never: int) -> Ints:
    """Return at each code the first bucket that counts it, by what is known and those packed counts, else ``never``."""
    columns = {b: [cache_of(snapshot).columns(row, snapshot)[0] for row in rows] for b, rows in parts.items()}
    first = np.full(len(snapshot.index), never)
    first[: len(known)] = known
    for bucket, rows in columns.items():
        for codes in rows:
            first[codes] = np.minimum(first[codes], bucket)
    return first
