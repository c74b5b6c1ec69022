"""Rows packed for other tasks arrive whole, in order, and each key at one task only."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from core.partitions.parcels import PARCELS, packed, unpacked

ROWS = pa.schema([("key", pa.binary()), ("value", pa.int64())])
batches = st.lists(st.lists(st.tuples(st.binary(max_size=3), st.integers(0, 9)), max_size=30), max_size=4)


@settings(deadline=None)  # compiled on first use
@given(batches, st.integers(1, 5))
def test_every_row_arrives_once_and_rows_of_one_key_in_order_at_one_task(given, tasks):
    sent = [pa.RecordBatch.from_pylist([{"key": k, "value": v} for k, v in rows], ROWS) for rows in given]
    arrived: dict[bytes, list[int]] = {}
    tasks_of: dict[bytes, set[int]] = {}
    for parcel in packed(sent, tasks):
        assert parcel.schema == PARCELS
        assert all(0 <= task < tasks for task in parcel.column("task").to_pylist())
        for rows in unpacked([parcel]):
            for row in rows.to_pylist():
                arrived.setdefault(row["key"], []).append(row["value"])
                tasks_of.setdefault(row["key"], set()).update(parcel.column("task").to_pylist())
    expected: dict[bytes, list[int]] = {}
    for key, value in (row for rows in given for row in rows):
        expected.setdefault(key, []).append(value)
    assert arrived == expected
    assert all(len(key_tasks) == 1 for key_tasks in tasks_of.values())
