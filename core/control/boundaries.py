"""Offsets, boundaries and segments: which stretch of the log an event belongs to (contract §5 rule 2)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.control import Boundary, Offsets


def latest(*offsets: Offsets) -> Offsets:
    """Per partition the greatest of the offsets given; a partition that one lacks is taken from the others."""
    partitions = sorted({partition for each in offsets for partition in each})
    return {p: max(each[p] for each in offsets if p in each) for p in partitions}


def earliest(a: Offsets, b: Offsets) -> Offsets:
    """Per partition the smaller of the two."""
    return {p: min(a[p], b[p]) for p in a}


def reaches(a: Offsets, b: Offsets) -> bool:
    """Whether ``a`` is at or past ``b`` in every partition."""
    return all(a.get(p, 0) >= offset for p, offset in b.items())


def segments_of(
    partition: NDArray[np.int64], offset: NDArray[np.int64], boundaries: Sequence[Boundary]
) -> NDArray[np.int64]:
    """The segment of each event: the id of the last recorded boundary at or below its offset in its partition.

    Raises:
        ValueError: an event lies below the oldest boundary kept.
    """
    ids = np.array([each.id for each in boundaries], dtype=np.int64)
    out = np.empty(len(offset), dtype=np.int64)
    for p in np.unique(partition).tolist():
        mine = partition == p
        at = np.searchsorted(np.array([each.offsets[p] for each in boundaries]), offset[mine], side="right") - 1
        if len(at) and at.min() < 0:
            raise ValueError(f"partition {p}: an offset lies below the oldest recorded boundary")
        out[mine] = ids[at]
    return out
