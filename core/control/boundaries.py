"""Offsets, boundaries and segments: which stretch of the log an event belongs to (contract §5 rule 2)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.control import Boundary, Offsets


def latest(*offsets: Offsets) -> Offsets:
    """Return the greatest of the given offsets per partition; a partition may be missing from some of them."""
    partitions = sorted({partition for ends in offsets for partition in ends})
    return {p: max(ends[p] for ends in offsets if p in ends) for p in partitions}


def earliest(a: Offsets, b: Offsets) -> Offsets:
    """Return the smaller of the two offsets per partition."""
    return {p: min(a[p], b[p]) for p in a}


def reaches(a: Offsets, b: Offsets) -> bool:
    """Return whether ``a`` is at or past ``b`` in every partition."""
    return all(a.get(p, 0) >= offset for p, offset in b.items())


def segments_of(
    partition: NDArray[np.int64], offset: NDArray[np.int64], boundaries: Sequence[Boundary]
) -> NDArray[np.int64]:
    """Return the segment of each event: the id of the last recorded boundary at or below its offset in its partition.

    Raises:
        ValueError: an event lies below the oldest boundary kept.
    """
    ids = np.array([boundary.id for boundary in boundaries], dtype=np.int64)
    segments = np.empty(len(offset), dtype=np.int64)
    for p in np.unique(partition).tolist():
        in_partition = partition == p
        starts = np.array([boundary.offsets[p] for boundary in boundaries])
        last = np.searchsorted(starts, offset[in_partition], side="right") - 1
        if len(last) and last.min() < 0:
            raise ValueError(f"partition {p}: an offset lies below the oldest recorded boundary")
        segments[in_partition] = ids[last]
    return segments
