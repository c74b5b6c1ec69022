"""Rows that never change are read once, and forgotten rather than too many."""

from collections.abc import Sequence

import pytest

import serving_layer.reading.kept_rows as kept_rows
from core.rows.views import NORMS
from serving_layer.reading.kept_rows import KeptRows

STORED = {b"%d" % number: b"row %d" % number for number in range(0, 20, 2)}


class Store:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        self.asked += keys
        return {key: STORED[key] for key in keys if key in STORED}


def test_a_row_is_read_once_and_so_is_one_that_is_not_there() -> None:
    store, kept = Store(), KeptRows("g")
    for _ in range(3):
        assert kept.read(NORMS, [b"2", b"3"], store.read) == {b"2": b"row 2"}
    assert kept.read(NORMS, [b"4", b"2"], store.read) == {b"4": b"row 4", b"2": b"row 2"}
    assert store.asked == [b"2", b"3", b"4"]


def test_no_more_rows_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "MOST_ROWS", 5)
    store, kept = Store(), KeptRows("g")
    keys = [b"%d" % number for number in range(20)]
    for first in range(18):
        some = keys[first : first + 3]
        assert kept.read(NORMS, some, store.read) == {key: STORED[key] for key in some if key in STORED}
        assert len(kept._views[NORMS]) <= 5
    assert len(store.asked) < 3 * 18
