"""The views of a generation as tables: each has one, and its rows say what the packed ones do."""

from typing import Any

import pytest

from core.lists.personal import PersonalList
from core.rows import views
from core.rows.activity import activity_key
from core.rows.codec import Facts, bucket_key, pack_facts, pack_sums
from core.rows.sketch import pack_sketch, place_of
from millrace.export.database.contents import own_lists, shares_of_tags
from millrace.export.sources import PERSONAL_LISTS, VIEW_TABLES, list_rows
from schemas.catalogue import Item

HOUR, DAY = 3_600_000, 86_400_000


def test_every_view_of_a_generation_has_a_table() -> None:
    assert VIEW_TABLES.keys() == views.VIEWS.keys()


USERS = dict(map(place_of, ("ann", "bob", "eve")))
FACTS = Facts(as_of=9, oldest_bucket=3, first_hour=2, events=8, duplicates=2, excess=1, rejected={"malformed": 4})
STORED: dict[str, tuple[bytes, bytes, list[tuple[Any, ...]]]] = {
    views.COUNTS: (bucket_key(7), pack_sums([(b"a", 2)]), [(7 * HOUR, "a", 2)]),
    views.EXCESS: (bucket_key(7), pack_sums([(b"a", -2), (b"b", -1)]), [(7 * HOUR, "a", 2), (7 * HOUR, "b", 1)]),
    views.EXCESS_USERS: (bucket_key(20_000), pack_sums([("ü".encode(), 5)]), [(20_000 * DAY, "ü", 5)]),
    views.ACTIVITY: (
        activity_key("category_device", 7),
        pack_sums([(b"\0phone\0view", 3), (b"DIY\0\0save", 1)]),
        [
            (7 * HOUR, "category_device", ["", "phone"], "view", 3),
            (7 * HOUR, "category_device", ["DIY", ""], "save", 1),
        ],
    ),
    views.FACTS: (b"facts", pack_facts(FACTS), [(9, 2 * HOUR, 3 * HOUR, 8, 2, 1, '{"malformed": 4}')]),
}


@pytest.mark.parametrize("view", STORED)
def test_the_rows_of_a_view_say_what_is_stored(view: str) -> None:
    key, value, rows = STORED[view]
    table = VIEW_TABLES[view]
    assert list(table.rows(key, value)) == rows
    assert {len(row) for row in rows} == {len(table.columns.names)}


def test_active_users_have_their_estimate_and_the_sketch_that_it_is_made_of() -> None:
    [(hour, users, registers, ranks)] = VIEW_TABLES[views.ACTIVE_USERS].rows(bucket_key(7), pack_sketch(USERS))
    assert (hour, round(users), dict(zip(registers, ranks, strict=True))) == (7 * HOUR, 3, USERS)


def test_a_list_that_a_user_made_is_a_row_per_item_and_an_empty_one_a_row_without_one() -> None:
    rows = list(list_rows("ann", "to buy", PersonalList({"b": 2.0, "a": 1.0}, 3, 4)))
    assert rows == [("ann", "to buy", 1, "b", 2.0, 3, 4), ("ann", "to buy", 2, "a", 1.0, 3, 4)]
    assert list(list_rows("ann", "none", PersonalList({}, 3, 4))) == [("ann", "none", None, None, None, 3, 4)]
    assert {len(row) for row in rows} == {len(PERSONAL_LISTS.names)}


def test_lists_of_users_whose_names_hold_slashes_have_keys_of_their_own() -> None:
    one = PersonalList({"i": 1.0})
    names, entries = own_lists([("a/b", "c", one), ("a", "b/c", one), ("a", "c", one)])
    assert len({key for key, *_ in names}) == len({key for key, *_ in entries}) == 3


@pytest.mark.parametrize(
    ("tags", "weights", "shares"),
    [
        (("x", "y", "x"), (), {"x": 0.5, "y": 0.5}), (("x", "y"), (900.0, 100.0), {"x": 0.9, "y": 0.1}),
        (("x", "y"), (0.0, 0.0), {"x": 0.5, "y": 0.5}), ((), (), {}),
    ],
)  # fmt: skip
def test_a_tag_has_its_share_of_how_relevant_all_are(
    tags: tuple[str, ...], weights: tuple[float, ...], shares: dict[str, float]
) -> None:
    assert dict(shares_of_tags(Item("i", tags=tags, tag_weights=weights))) == shares
