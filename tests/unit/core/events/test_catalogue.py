"""Records of the topics ``items`` and ``users``: one good record with one thing broken at a time."""

import json
from typing import Any

import pytest

from core.events.catalogue import categories_of, parse_item, parse_user
from core.rows.catalogue_rows import pack_entry, plain, unpack_item_record, unpack_user_record
from schemas.catalogue import Item, User
from schemas.event import Rejected

ITEM = {
    "item_id": "item-1",
    "title": "A title",
    "description": "x" * 5_000,
    "category": "books",
    "categories": ["toys", "books"],
    "brand": "b",
    "price": 12.5,
    "image": "https://example.org/1.jpg",
    "tags": ["new", "x" * 256],
    "created_at": "1985-01-01T00:00:00Z",
    "hidden": True,
    "region": "north",
    "regions": ["south", "north"],
    "unknown": {"a": [None]},
}
USER = {"user_id": "user-1", "preferences": ["books", "toys"], "attributes": {"age": "30"}}


def item(key: bytes | None = b"item-1", /, **changed: Any) -> Item | Rejected | None:
    return parse_item(key, json.dumps({**ITEM, **changed}).encode())


def user(key: bytes | None = b"user-1", /, **changed: Any) -> User | Rejected | None:
    return parse_user(key, json.dumps({**USER, **changed}).encode())


def test_a_good_item_and_a_good_user_are_read() -> None:
    assert item() == Item(
        item_id="item-1",
        title="A title",
        description="x" * 5_000,
        category="books",
        categories=("toys", "books"),
        brand="b",
        price=12.5,
        image="https://example.org/1.jpg",
        tags=("new", "x" * 256),
        created_at=473_385_600_000,
        hidden=True,
        region="north",
        regions=("south", "north"),
    )
    assert user() == User("user-1", ("books", "toys"), {"age": "30"})


def test_all_but_the_id_may_be_left_out_or_null() -> None:
    assert parse_item(b"i", b'{"item_id": "i"}') == Item("i")
    assert parse_user(b"u", b'{"user_id": "u"}') == User("u")
    assert item(**dict.fromkeys(ITEM.keys() - {"item_id"})) == Item("item-1")
    assert user(preferences=None, attributes=None) == User("user-1")


WRONG_ITEMS: dict[str, list[Any]] = {
    "item_id": ["", "\n", "x" * 257, 1, []],
    "title": [1, [], True],
    "description": [1, [], True],
    "image": [1, [], True],
    "category": [1, [], True, "x" * 257],
    "categories": ["books", 1, [1], ["x" * 257], [None], {}],
    "brand": [1, [], True, "x" * 257],
    "price": [-0.01, "12", True, []],
    "tags": ["new", [1], ["x" * 257], [None], {}],
    "created_at": ["yesterday", 1.5, True, -62_135_596_800_001, 253_402_300_800_000, "9999-12-31T23:59:59-00:01"],
    "hidden": [0, 1, "true", []],
    "region": [5, "x" * 257, []],
    "regions": ["north", [1], ["x" * 257]],
}
WRONG_USERS: dict[str, list[Any]] = {
    "user_id": ["", "\0", "x" * 257, 1],
    "preferences": ["books", 1, [1], ["x" * 257], {"categories": "books"}, {"categories": [1]}],
    "attributes": [[], "x", 1],
}


@pytest.mark.parametrize("field", WRONG_ITEMS)
def test_a_wrong_field_of_an_item_is_named(field: str) -> None:
    for wrong in WRONG_ITEMS[field]:
        assert item(**{field: wrong}) == Rejected(f"invalid:{field}"), wrong


@pytest.mark.parametrize("field", WRONG_USERS)
def test_a_wrong_field_of_a_user_is_named(field: str) -> None:
    for wrong in WRONG_USERS[field]:
        assert user(**{field: wrong}) == Rejected(f"invalid:{field}"), wrong


def test_tags_may_say_how_relevant_each_is_and_a_kept_row_says_so_too() -> None:
    weighed = {"wood": 0.75, "new": 1000, "old": 0}
    read = item(tags=weighed)
    assert isinstance(read, Item)
    assert (read.tags, read.tag_weights) == (("wood", "new", "old"), (0.75, 1000.0, 0.0))
    assert unpack_item_record(pack_entry(read)) == read
    assert plain(read)["tags"] == weighed
    assert plain(Item("i", tags=("new",)))["tags"] == ("new",)
    for wrong in ({"a": -1}, {"a": 1001}, {"a": True}, {"a": "1"}, {"a": None}, {"x" * 257: 1}):
        assert item(tags=wrong) == Rejected("invalid:tags"), wrong


def test_preferences_may_be_an_object_with_categories() -> None:
    assert user(preferences={"categories": ["toys"], "theme": "dark"}) == User("user-1", ("toys",), {"age": "30"})
    assert user(preferences={"theme": "dark"}) == User("user-1", (), {"age": "30"})


def test_a_price_must_be_finite_and_zero_is_one() -> None:
    assert parse_item(b"i", b'{"item_id": "i", "price": 1e999}') == Rejected("invalid:price")
    assert parse_item(b"i", b'{"item_id": "i", "price": 0}') == Item("i", price=0.0)


def test_the_first_reason_in_order_counts() -> None:
    assert item(title=1, hidden=1) == Rejected("invalid:title")
    assert item(b"other", hidden=1) == Rejected("invalid:hidden")
    assert item(item_id=None, title=1) == Rejected("missing:item_id")
    assert user(user_id=None, attributes=1) == Rejected("missing:user_id")


def test_the_key_is_the_id() -> None:
    for key in (b"item-2", b"", b"\xff", None):
        assert item(key) == Rejected("key_mismatch")
    for key in (b"user-2", b"", b"\xff", None):
        assert user(key) == Rejected("key_mismatch")
    assert item("é/%\U0001f600".encode(), item_id="é/%\U0001f600", title=None) is not None


@pytest.mark.parametrize("parse", [parse_item, parse_user])
def test_a_null_value_deletes_what_the_key_names(parse: Any) -> None:
    assert parse(b"anything/%", None) is None
    for key in (None, b"", b"\xff", b"a\0", b"x" * 257):
        assert parse(key, None) == Rejected("key_mismatch")


@pytest.mark.parametrize("parse", [parse_item, parse_user])
def test_the_json_is_as_strict_as_an_events(parse: Any) -> None:
    for value in (
        b"",
        b"[]",
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 60_000,
        b'{"item_id": "\xff"}',
    ):
        assert parse(b"i", value) == Rejected("malformed")
    assert parse(b"i", b" " * 65_537) == Rejected("oversize")


def test_the_main_category_is_the_records_own_then_the_first_of_several_then_the_events() -> None:
    assert categories_of(Item("i", category="a", categories=("b", "a", "c")), "e") == ("a", "b", "c")
    assert categories_of(Item("i", categories=("b", "", "c", "b")), "e") == ("b", "c")
    assert categories_of(Item("i", category="", categories=("",)), "e") == ("e",)
    assert categories_of(Item("i"), "") == categories_of(None, "") == ()


def test_a_kept_record_is_read_back_as_it_was_and_a_price_of_zero_is_one() -> None:
    for entry in (item(), Item("i", price=0.0, created_at=0), Item("i")):
        assert isinstance(entry, Item)
        assert unpack_item_record(pack_entry(entry)) == entry
    assert plain(Item("i", price=0.0, created_at=0)) == {"item_id": "i", "price": 0.0, "created_at": 0}
    assert unpack_user_record(pack_entry(User("u", ("a",)))) == User("u", ("a",))


def test_rows_of_older_and_newer_versions_are_read() -> None:
    older = b'{"item_id": "i", "category": "books", "tags": ["new"]}'
    assert unpack_item_record(older) == Item("i", category="books", tags=("new",))
    assert unpack_item_record(b'{"item_id": "i", "colour": "red"}') == Item("i")
    assert unpack_user_record(b'{"user_id": "u", "since": 1}') == User("u")
