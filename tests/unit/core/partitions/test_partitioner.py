"""Partitioners against Kafka's own test vectors, and against librdkafka itself."""

import ctypes
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.partitions.partitioner import NO_PARTITION, murmur2, partition_of, partitions_of
from schemas.errors import SettingsError

# org.apache.kafka.common.utils.UtilsTest.testMurmur2
KAFKA_MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
keys_of_any_bytes = st.lists(st.none() | st.binary(max_size=40))
numbers_of_partitions = st.integers(1, 1000)


@pytest.mark.parametrize(("key", "hashed"), KAFKA_MURMUR2.items())
def test_murmur2_is_kafkas(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed


def test_crc32_is_the_one_of_its_check_value() -> None:
    assert partition_of(b"123456789", "crc32", 1 << 32) == 0xCBF43926


def librdkafka(partitioner: str) -> Callable[[bytes, int], int]:
    """The partitioner of the librdkafka that confluent_kafka carries; these are public functions of its C API."""
    spec = find_spec("confluent_kafka")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    libraries = [*folder.parent.glob("confluent_kafka.libs/librdkafka*"), *folder.glob(".dylibs/librdkafka*")]
    if not libraries:
        pytest.skip("this confluent_kafka does not carry librdkafka as a file of its own")
    chosen = getattr(ctypes.CDLL(str(libraries[0])), f"rd_kafka_msg_partitioner_{partitioner}")
    chosen.restype = ctypes.c_int32
    chosen.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_int32,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    return lambda key, partitions: int(chosen(None, key, len(key), partitions, None, None))


@pytest.mark.parametrize(("ours", "theirs"), [("murmur2", "murmur2"), ("crc32", "consistent")])
def test_a_key_goes_where_librdkafka_puts_it(ours: str, theirs: str) -> None:
    reference = librdkafka(theirs)

    @given(st.binary(max_size=300), numbers_of_partitions)
    def agree(key: bytes, partitions: int) -> None:
        assert partition_of(key, ours, partitions) == reference(key, partitions)

    agree()


@pytest.mark.parametrize("partitioner", ["murmur2", "crc32"])
@settings(deadline=None)  # the first example compiles
@given(keys=keys_of_any_bytes, partitions=numbers_of_partitions, skipped=st.integers(0, 3))
def test_a_column_of_keys_is_partitioned_as_each_key(
    partitioner: str, keys: list[bytes | None], partitions: int, skipped: int
) -> None:
    column = pa.array(keys, pa.binary()).slice(skipped)
    wanted = [NO_PARTITION if key is None else partition_of(key, partitioner, partitions) for key in keys[skipped:]]
    assert partitions_of(column, partitioner, partitions).tolist() == wanted
    assert partitions_of(column.cast(pa.large_binary()), partitioner, partitions).tolist() == wanted


@pytest.mark.parametrize("length", [*range(10), 1024, 1_000_000])
def test_every_length_of_key_has_its_tail_hashed(length: int) -> None:
    key = bytes(255 - position % 256 for position in range(length))
    column = pa.array([b"before", key, b"after"], pa.binary())
    assert partitions_of(column, "murmur2", 997)[1] == partition_of(key, "murmur2", 997)
    assert partitions_of(column, "crc32", 997)[1] == zlib.crc32(key) % 997


def test_an_unknown_partitioner_is_a_setting_to_change() -> None:
    with pytest.raises(SettingsError, match="murmur2 or crc32"):
        partition_of(b"a", "fnv1a", 4)
    with pytest.raises(SettingsError, match="murmur2 or crc32"):
        partitions_of(pa.array([b"a"]), "fnv1a", 4)
