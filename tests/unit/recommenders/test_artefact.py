"""The one form in which trained models are stored: whole again from its rows, or nothing at all."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommenders.artefact import ROW_BYTES, Artefact

Rows = dict[bytes, bytes]


def read(rows: Rows) -> Artefact | None:
    def stored(keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        assert len(keys) <= 8  # a mebibyte each: in one request's time
        return {key: rows[key] for key in keys if key in rows}

    return Artefact.read(stored)


def large() -> Artefact:
    rng = np.random.default_rng(2)
    items = [f"i{k:06d}".encode() for k in range(9_000)]
    arrays = {"y": rng.normal(size=(9_000, 60)).astype(np.float32), "n": np.arange(9_000), "gram": rng.random((60, 60))}
    return Artefact({"alpha": 1.5, "name": "ї", "asked": None}, items, arrays)


def test_a_large_artefact_comes_back_whole_from_rows_of_at_most_a_mebibyte() -> None:
    given, rows = large(), dict(large().rows())
    assert len(rows) > 5  # several chunks
    assert max(map(len, rows.values())) <= ROW_BYTES
    artefact = read(rows)
    assert artefact is not None
    assert (artefact.facts, artefact.items, artefact.arrays.keys()) == (given.facts, given.items, given.arrays.keys())
    for name, array in given.arrays.items():
        assert artefact.arrays[name].dtype == array.dtype
        assert np.array_equal(artefact.arrays[name], array)


@pytest.mark.parametrize("missing", sorted(dict(large().rows())))
def test_an_artefact_without_one_of_its_rows_is_none(missing: bytes) -> None:
    rows = dict(large().rows())
    del rows[missing]
    assert read(rows) is None


def test_the_meta_row_comes_last_so_that_half_an_artefact_does_not_exist() -> None:
    assert list(dict(large().rows()))[-1] == b"meta"


names_of_items = st.lists(st.binary(min_size=1, max_size=20), unique=True)


@given(names_of_items, st.integers(0, 5), st.sampled_from(["<f4", "<f8", "<i8"]))
def test_any_names_and_shapes_come_back(names: list[bytes], width: int, dtype: str) -> None:
    array = np.arange(len(names) * width).reshape(len(names), width).astype(dtype)
    artefact = read(dict(Artefact({}, sorted(names), {"x": array}).rows()))
    assert artefact is not None
    assert artefact.items == sorted(names)
    assert artefact.arrays["x"].shape == array.shape
    assert np.array_equal(artefact.arrays["x"], array)


def test_no_artefact_is_read_from_no_rows() -> None:
    assert read({}) is None
