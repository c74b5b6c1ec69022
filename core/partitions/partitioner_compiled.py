"""The partitioners' hashes for a column of keys, compiled; import it only where columns are hashed.

All in this one file: numba's cache on disk notices a change of the file that calls, not of one that is called.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

Octets = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.int64]

_M = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def _crc32_table() -> npt.NDArray[np.int64]:
    """Return the remainders of all single octets, polynomial 0xEDB88320 (zlib's)."""
    remainders = np.arange(256, dtype=np.int64)
    for _ in range(8):
        remainders = np.where(remainders & 1, (remainders >> 1) ^ 0xEDB88320, remainders >> 1)
    return remainders


_CRC32 = _crc32_table()


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def murmur2_each(octets: Octets, offsets: Offsets) -> Hashes:
    """Return Kafka's murmur2 of each key, its sign bit cleared as Kafka's partitioner does.

    In signed 64-bit integers: the multiplier has 31 bits, and what it multiplies is masked to 32.
    """
    hashes = np.empty(len(offsets) - 1, np.int64)
    for i in range(len(hashes)):
        start, end = np.int64(offsets[i]), np.int64(offsets[i + 1])
        whole = end - (end - start) % 4
        h = _SEED ^ (end - start)
        for at in range(start, whole, 4):
            k = np.int64(0)
            for j in range(4):
                k |= np.int64(octets[at + j]) << (8 * j)
            k = (k * _M) & _MASK
            k = ((k ^ (k >> 24)) * _M) & _MASK
            h = ((h * _M) & _MASK) ^ k
        if whole < end:
            for at in range(whole, end):
                h ^= np.int64(octets[at]) << (8 * (at - whole))
            h = (h * _M) & _MASK
        h = ((h ^ (h >> 13)) * _M) & _MASK
        hashes[i] = (h ^ (h >> 15)) & 0x7FFFFFFF
    return hashes


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def crc32_each(octets: Octets, offsets: Offsets) -> Hashes:
    """Return zlib's crc32 of each key, unsigned."""
    hashes = np.empty(len(offsets) - 1, np.int64)
    for i in range(len(hashes)):
        crc = 0xFFFFFFFF
        for at in range(offsets[i], offsets[i + 1]):
            crc = _CRC32[(crc ^ octets[at]) & 0xFF] ^ (crc >> 8)
        hashes[i] = crc ^ 0xFFFFFFFF
    return hashes
