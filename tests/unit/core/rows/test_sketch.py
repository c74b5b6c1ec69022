"""Sketches of active users: one hash in two codes, exact merging, an estimate within its stated error."""

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bytes.binary_columns import octets
from core.bytes.word_kernel import padded
from core.rows import sketch_kernel
from core.rows.packed import Packed
from core.rows.sketch import (
    ERROR,
    MOST_SPARSE,
    REGISTERS,
    estimate,
    joined_ranks,
    merge_sketches,
    murmur_hash,
    pack_sketch,
    place_of,
    unpack_sketch,
)

users = st.text(max_size=40).map(lambda text: text.encode("utf-8", "ignore").decode())
sketches = st.dictionaries(st.integers(0, REGISTERS - 1), st.integers(1, 53), max_size=8)
full = st.integers(MOST_SPARSE - 3, MOST_SPARSE + 3).map(lambda n: {3 * k % 4096: k % 53 + 1 for k in range(n)})


def of_users(names: list[str]) -> dict[int, int]:
    return joined_ranks(*({register: rank} for register, rank in map(place_of, names)))


@settings(deadline=None)
@given(st.lists(users, min_size=1))
def test_the_compiled_hash_is_the_readable_one(names: list[str]) -> None:
    text, starts = octets(pa.array([name.encode() for name in names], pa.binary()))
    register, rank = sketch_kernel.places(padded(text), starts)
    assert list(zip(register.tolist(), rank.tolist(), strict=True)) == [place_of(name) for name in names]


def test_the_hash_is_murmur_hash_64a() -> None:
    # The published algorithm with seed 0, by another implementation of it.
    assert murmur_hash("") == 0
    assert len({murmur_hash(f"user-{k}") for k in range(10_000)}) == 10_000


@settings(deadline=None)
@given(sketches | full, sketches | full)
def test_a_merge_has_the_greater_rank_of_each_register(a: dict[int, int], b: dict[int, int]) -> None:
    merged = merge_sketches(pack_sketch(a), pack_sketch(b))
    both = {register: max(a.get(register, 0), b.get(register, 0)) for register in sorted({*a, *b})}
    assert unpack_sketch(merged) == both
    sides = [Packed.of([pack_sketch(side)]) for side in (a, b)]
    given = [part for side in sides for part in (side.data, side.first, side.end)]
    assert Packed.of_kernel(*sketch_kernel.merge_sketches(*given)).values() == [merged]


@settings(deadline=None)
@given(st.lists(st.integers(0, 300), max_size=200), st.integers(0, 200))
def test_two_stretches_merge_to_the_sketch_of_both_wherever_they_are_cut(numbers: list[int], cut: int) -> None:
    names = [f"u{number}" for number in numbers]
    parts = [pack_sketch(of_users(names[:cut])), pack_sketch(of_users(names[cut:]))]
    assert merge_sketches(*parts) == pack_sketch(of_users(names))


@settings(deadline=None)
@given(st.lists(sketches | full, max_size=4))
def test_the_compiled_packing_writes_the_same_bytes(rows: list[dict[int, int]]) -> None:
    starts = np.cumsum([0, *map(len, rows)])
    pairs = [pair for row in rows for pair in sorted(row.items())]
    register, rank = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    data, ends = sketch_kernel.pack_sketches(starts, register, rank)
    cut = [data[first:end].tobytes() for first, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
    assert cut == [pack_sketch(row) for row in rows]


@pytest.mark.parametrize("count", [0, 1, 10, 300, 3_000, 40_000])
def test_the_estimate_is_within_four_standard_errors(count: int) -> None:
    rng = random.Random(count)
    names = [f"user-{rng.getrandbits(60)}" for _ in range(count)]
    assert estimate(of_users(names)) == pytest.approx(count, rel=4 * ERROR, abs=0.1)


def test_the_error_that_is_stated_is_the_error_that_is_made() -> None:
    size = 4_000
    errors = [estimate(of_users([f"{trial}/{k}" for k in range(size)])) / size - 1 for trial in range(20)]
    assert pytest.approx(0.0162, abs=0.0001) == ERROR
    assert float(np.std(errors)) < 1.5 * ERROR
    assert abs(float(np.mean(errors))) < 3 * ERROR / np.sqrt(len(errors))
