"""Which rows an attempt wrote, as it lists them beside the rows: readers that keep rows in memory drop exactly those.

Every guarded put of the speed layer carries one such list. A commit proves that all puts of its attempt arrived, so the
lists of a committed attempt are complete. A list is: the length of the view's name, the name, n:u32, the keys' lengths
as u16 [n], the keys.
"""

import hashlib
import struct
from collections.abc import Collection

import numpy as np

KEPT_ATTEMPTS = 256  # whose lists stay: a reader that is farther behind drops all that it keeps
_COUNT = struct.Struct("<I")


def pack_touched(view: str, keys: Collection[bytes]) -> tuple[bytes, bytes]:
    """Return the key and the value of the row that lists those keys of a view.

    Equal lists have equal keys, so a task that runs twice leaves one row.
    """
    name = view.encode()
    lengths = np.fromiter(map(len, keys), "<u2", len(keys)).tobytes()
    value = b"".join([bytes([len(name)]), name, _COUNT.pack(len(keys)), lengths, *keys])
    return hashlib.blake2b(value, digest_size=16).digest(), value


def unpack_touched(value: bytes) -> tuple[str, list[bytes]]:
    """Return the view and the keys of one list."""
    at = 1 + value[0]
    view, (count,) = value[1:at].decode(), _COUNT.unpack_from(value, at)
    at += _COUNT.size
    lengths = np.frombuffer(value, "<u2", count, at).astype(np.int64)
    ends = at + 2 * count + np.cumsum(lengths)
    return view, [value[start:end] for start, end in zip((ends - lengths).tolist(), ends.tolist(), strict=True)]
