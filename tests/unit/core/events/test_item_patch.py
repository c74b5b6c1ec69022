"""A partial record of an item is merged into its whole one (RFC 7396)."""

import json
from typing import Any

import pytest

from core.events.catalogue import parse_item
from core.events.item_patch import patched
from core.rows.catalogue_rows import DELETED, pack_entry
from schemas.catalogue import Item
from schemas.errors import Unprocessable
from schemas.event import Rejected
from serving_layer.answers.item_changes import read_patch

WHOLE = {"item_id": "a", "title": "T", "price": 2.5, "tags": ["x", "y"], "hidden": False, "stock": {"shop": 3}}


def kept(**members: Any) -> bytes:
    """The record as the catalogue keeps it."""
    value = json.dumps({**WHOLE, **members}).encode()
    entry = parse_item(b"a", value)
    assert isinstance(entry, Item)
    return pack_entry(entry, value)


def merged(row: bytes | None, **patch: Any) -> Any:
    value = patched("a", row, patch)
    return value if isinstance(value, Rejected) else json.loads(value)


def test_a_member_is_changed_and_the_others_stay_unknown_ones_included() -> None:
    expected = {"item_id": "a", "title": "T", "price": 2.5, "tags": ["x", "y"], "stock": {"shop": 3}, "hidden": True}
    assert merged(kept(), hidden=True) == expected
    assert merged(kept(hidden=True), hidden=False) == {**expected, "hidden": False}


def test_null_removes_a_member_and_an_array_is_replaced_whole() -> None:
    assert merged(kept(), title=None, brand=None, tags=["z"]) == {
        "item_id": "a",
        "price": 2.5,
        "tags": ["z"],
        "stock": {"shop": 3},
    }


@pytest.mark.parametrize("row", [None, DELETED])
def test_an_item_without_a_record_gets_one(row: bytes | None) -> None:
    assert merged(row, title="T") == {"item_id": "a", "title": "T"}


def test_what_the_log_would_reject_is_refused_with_the_reason() -> None:
    assert merged(kept(), price=-1) == Rejected("invalid:price")
    assert merged(kept(), description="x" * 65_536) == Rejected("oversize")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "not JSON"),
        (b"[]", "one object"),
        (b'{"titel": "x"}', "did you mean 'title'"),
        (b'{"\xc3\xbc": 1}', "known are item_id, title"),
        (b'{"item_id": "b"}', "cannot be changed"),
        (b'{"item_id": null}', "cannot be changed"),
    ],
)
def test_what_is_no_change_of_that_item_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(Unprocessable, match=why):
        read_patch("a", body)


def test_the_items_own_id_may_be_repeated() -> None:
    assert read_patch("a", b'{"item_id": "a", "hidden": true}') == {"item_id": "a", "hidden": True}
