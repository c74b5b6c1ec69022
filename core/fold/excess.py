"""Whose events are beyond their share of an item, by day: few users have any, so no kernel is needed."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.rows.codec import bucket_key, pack_sums

Ints = NDArray[np.int64]


def by_day(
    user: Ints, day: Ints, beyond: NDArray[np.bool_], people: pa.BinaryArray
) -> tuple[pa.BinaryArray, pa.BinaryArray]:
    """Return keys and packed sums of the view of excess by user, of those events that are ``beyond``: at least one.

    ``user``: each event's position in ``people``; ``day``: since 1970.
    """
    first = int(day[beyond].min())
    pairs, amounts = np.unique((day[beyond] - first) * len(people) + user[beyond], return_counts=True)
    rows: dict[bytes, list[tuple[bytes, int]]] = {}
    names = people.take(pa.array(pairs % len(people))).to_pylist()
    for number, name, amount in zip((pairs // len(people)).tolist(), names, amounts.tolist(), strict=True):
        rows.setdefault(bucket_key(first + number), []).append((name, amount))
    return pa.array(list(rows), pa.binary()), pa.array([pack_sums(sorted(row)) for row in rows.values()], pa.binary())
