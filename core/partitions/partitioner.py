"""Which partition a key belongs to: murmur2 as Java's clients choose, crc32 as librdkafka's ``consistent``."""

import zlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.bytes.binary_columns import octets
from schemas.errors import SettingsError

PARTITIONERS = ("murmur2", "crc32")
NO_PARTITION = -1  # of a null key: producers place such records at will
_M = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Return Kafka's murmur2 as Java does: a signed 32-bit integer."""
    h = _SEED ^ len(key)
    whole = len(key) - len(key) % 4
    for start in range(0, whole, 4):
        k = (int.from_bytes(key[start : start + 4], "little") * _M) & _MASK
        k = ((k ^ (k >> 24)) * _M) & _MASK
        h = ((h * _M) & _MASK) ^ k
    if whole < len(key):
        h = ((h ^ int.from_bytes(key[whole:], "little")) * _M) & _MASK
    h = ((h ^ (h >> 13)) * _M) & _MASK
    h ^= h >> 15
    return h - (1 << 32) if h >> 31 else h


def partition_of(key: bytes, partitioner: str, partitions: int) -> int:
    """Return the partition, in 0..partitions-1, that a producer with this partitioner gives the key."""
    if partitioner == "murmur2":
        return (murmur2(key) & 0x7FFFFFFF) % partitions
    if partitioner == "crc32":
        return zlib.crc32(key) % partitions
    raise _unknown(partitioner)


def partitions_of(keys: pa.BinaryArray, partitioner: str, partitions: int) -> npt.NDArray[np.int32]:
    """Return ``partition_of`` for a column of keys; ``NO_PARTITION`` for a null key. Compiled on first use."""
    if partitioner not in PARTITIONERS:
        raise _unknown(partitioner)
    from core.partitions import partitioner_compiled as compiled  # numba takes most of a second to import

    hashes = compiled.murmur2_each if partitioner == "murmur2" else compiled.crc32_each
    chosen: npt.NDArray[np.int32] = (hashes(*octets(keys.cast(pa.binary()))) % partitions).astype(np.int32)
    if keys.null_count:
        chosen[keys.is_null().to_numpy(zero_copy_only=False)] = NO_PARTITION
    return chosen


def _unknown(partitioner: str) -> SettingsError:
    return SettingsError(f"set the partitioner to murmur2 or crc32, the one your producers use, not {partitioner!r}")
