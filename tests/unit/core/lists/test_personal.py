"""Changes of personal lists, and the row that stores them."""

import pytest

from core.lists.personal import MOST_ITEMS, MOST_LISTS, Change, PersonalList, packed, unpacked, wrong

OWN = PersonalList({"a": 1.0, "b": 2.0}, made_at=1, changed_at=1)


def test_a_change_adds_weighs_anew_and_removes_in_the_order_of_adding() -> None:
    after = Change(add={"c": 3.0, "a": 4.0}, remove=["b", "no such"]).of(OWN, 7)
    assert list(after.items.items()) == [("a", 4.0), ("c", 3.0)]
    assert (after.made_at, after.changed_at) == (1, 7)
    assert Change(items={"x": 1.0}, add={"y": 1.0}, remove=["x"]).of(OWN, 8).items == {"y": 1.0}
    assert OWN.items == {"a": 1.0, "b": 2.0}


def test_a_row_gives_the_lists_back() -> None:
    lists = {"gifts": OWN, "ünicode / 7": PersonalList()}
    assert unpacked(packed(lists)) == lists
    assert unpacked(None) == {}


def test_too_many_lists_or_items_are_refused_with_the_limit() -> None:
    assert wrong({"gifts": OWN}) is None
    many = PersonalList({f"{k}": 1.0 for k in range(MOST_ITEMS + 1)})
    assert str(MOST_ITEMS) in (wrong({"gifts": many}) or "")
    assert str(MOST_LISTS) in (wrong({f"{k}": OWN for k in range(MOST_LISTS + 1)}) or "")
    with pytest.raises(TypeError):
        unpacked(b'{"gifts": {"unknown": 1}}')
