"""The batch fold's events: in whatever order the engine hands them over, users are whole and in log order."""

import random

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_layer.steps.fold_step import whole_users
from schemas.event import EVENT_COLUMNS


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcde"), max_size=30), st.integers(1, 12), st.randoms(use_true_random=False))
def test_users_are_whole_and_in_log_order(users: list[str], size: int, shape: random.Random) -> None:
    rows = [dict.fromkeys(EVENT_COLUMNS.names) | {"user_id": u, "offset": k} for k, u in enumerate(users)]
    shape.shuffle(rows)
    at = shape.randint(0, len(rows))
    batches = [pa.RecordBatch.from_pylist(part, EVENT_COLUMNS) for part in (rows[:at], rows[at:]) if part]
    parts = [
        list(zip(batch.column("user_id").to_pylist(), batch.column("offset").to_pylist(), strict=True))
        for batch in whole_users(batches, size)
    ]
    assert sorted(row for part in parts for row in part) == sorted((u, k) for k, u in enumerate(users))
    assert all([k for _, k in part] == sorted(k for _, k in part) for part in parts)
    inside = [{u for u, _ in part} for part in parts]
    assert sum(map(len, inside)) == len(set(users)), "a user is in two parts"
    largest = max((users.count(u) for u in users), default=0)
    assert all(len(part) < size + largest for part in parts)
