"""The merged counters of activity over a range of hours."""

from collections import Counter

import pyarrow as pa

from core.insights.counters import Counters
from core.rows.activity import activity_key, split_name
from core.rows.codec import pack_sums, unpack_sums
from core.rows.merging import added
from core.rows.sketch import Ranks, joined_ranks, unpack_sketch
from core.rows.views import ACTIVE_USERS, ACTIVITY
from serving_layer.reading.decoding import bucket_keys
from serving_layer.reading.snapshot import Snapshot


def counters_of(snapshot: Snapshot, dimension: str, hours: range) -> Counters:
    """Return the counters of a dimension, hour by hour."""
    keys = [activity_key(dimension, hour) for hour in hours]
    rows = zip(hours, snapshot.decoded(ACTIVITY, keys, added), strict=True)
    return Counters(hours, {hour: row for hour, row in rows if row})


def sketches_of(snapshot: Snapshot, hours: range) -> dict[int, Ranks]:
    """Return the sketch of each hour's active users."""
    rows = zip(hours, snapshot.decoded(ACTIVE_USERS, bucket_keys(hours), _ranks), strict=True)
    return {hour: ranks for hour, ranks in rows if ranks}


def items_of(snapshot: Snapshot, hours: range) -> dict[str, Counter[str]]:
    """Return the counts by kind of each item over all hours: added up packed, as a range names some items often."""
    rows = snapshot.rows(ACTIVITY, [activity_key("item", hour) for hour in hours]).values()
    out: dict[str, Counter[str]] = {}
    for name, count in unpack_sums(_total([part for row in rows for part in row.parts])).items():
        (item,), kind = split_name(name)
        out.setdefault(item, Counter())[kind] += count
    return out


def _total(parts: list[bytes]) -> bytes:
    from core.rows.merging_columns import added_up
    from core.rows.packed import Packed

    _, sums = added_up(ACTIVITY, pa.array([b""] * len(parts), pa.binary()), Packed.of(parts))
    return sums.values()[0] if len(sums) else pack_sums(())


def _ranks(parts: list[bytes]) -> dict[int, int]:
    return joined_ranks(*map(unpack_sketch, parts))
