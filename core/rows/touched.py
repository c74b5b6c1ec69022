"""Which rows an attempt wrote, as it lists them beside the rows: readers keep their rows in memory up to date by them.

Every guarded put of the speed layer has one such list. A commit proves that all puts of its attempt arrived, so the
lists of a committed attempt are complete. A list is: the length of the view's name, the name, n:u32, the keys' lengths
as u16 [n], the keys. The list of a small put goes on with the changes themselves, so that a reader need not read the
rows again: the segment as i64, the changes' lengths as u32 [n], the changes.
"""

import hashlib
import struct
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

KEPT_ATTEMPTS = 256  # whose lists stay: a reader that is farther behind drops all that it keeps
CARRIED_RECORDS = 5_000  # of a micro-batch: readers that keep up see no larger one, and it would write much twice
CARRIED_BYTES = 256 << 10  # of the changes in one list
_COUNT, _SEGMENT = struct.Struct("<I"), struct.Struct("<q")


class Carried(NamedTuple):
    """What was added to the listed rows of one segment, in the order of the keys; of a history, under the last one."""

    segment: int
    changes: Sequence[bytes]


class Touched(NamedTuple):
    """The keys of one view that a put wrote. ``carried``: None where the list has no changes."""

    view: str
    keys: list[bytes]
    carried: Carried | None = None


def is_carried(records: int, size: int) -> bool:
    """Return whether lists have changes of so many bytes, in a micro-batch of so many records."""
    return records <= CARRIED_RECORDS and size <= CARRIED_BYTES


def pack_touched(view: str, keys: Collection[bytes], carried: Carried | None = None) -> tuple[bytes, bytes]:
    """Return the key and the value of the row that lists those keys of a view.

    Lists of the same rows of one segment have equal keys, so a task that runs twice leaves one row.
    """
    name = view.encode()
    lengths = np.fromiter(map(len, keys), "<u2", len(keys)).tobytes()
    value = b"".join([bytes([len(name)]), name, _COUNT.pack(len(keys)), lengths, *keys])
    if carried is None:
        return _digest(value), value
    segment, sizes = _SEGMENT.pack(carried.segment), np.fromiter(map(len, carried.changes), "<u4", len(keys))
    return _digest(value + segment), b"".join([value, segment, sizes.tobytes(), *carried.changes])


def unpack_touched(value: bytes) -> Touched:
    """Return one list."""
    at = 1 + value[0]
    view, (count,) = value[1:at].decode(), _COUNT.unpack_from(value, at)
    keys, at = _strings(value, at + _COUNT.size, count, "<u2")
    if at == len(value):
        return Touched(view, keys)
    (segment,) = _SEGMENT.unpack_from(value, at)
    changes, _ = _strings(value, at + _SEGMENT.size, count, "<u4")
    return Touched(view, keys, Carried(segment, changes))


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()


def _strings(value: bytes, at: int, count: int, width: str) -> tuple[list[bytes], int]:
    """Return ``count`` strings that follow their lengths, and where they end."""
    lengths = np.frombuffer(value, width, count, at)
    at += lengths.nbytes
    ends = (at + np.cumsum(lengths, dtype=np.int64)).tolist()
    return [value[start:end] for start, end in zip([at, *ends], ends, strict=False)], ends[-1] if ends else at
