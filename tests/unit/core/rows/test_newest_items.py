"""The row of the newest items: which ones it keeps."""

from core.rows.catalogue_rows import NEWEST, pack_newest, times_of_newest


def test_the_newest_items_come_first_and_the_oldest_go() -> None:
    row = pack_newest(None, {b"%d" % k: k for k in range(NEWEST + 3)})
    assert [time for _, time in times_of_newest(row)] == list(range(NEWEST + 2, 2, -1))


def test_adding_the_same_items_again_changes_nothing() -> None:
    row = pack_newest(None, {b"a": 5, "ü".encode(): 7})
    assert pack_newest(row, {b"a": 5}) == pack_newest(row, {}) == row
    assert list(times_of_newest(row)) == [("ü", 7), ("a", 5)]


def test_no_row_names_no_item() -> None:
    assert not times_of_newest(None)
