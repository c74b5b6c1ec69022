"""Which items a page may list, and cursors: no row twice and none passed over, however the list changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import Item
from schemas.errors import Unprocessable
from serving_layer.merged.pages import MAX_POSTED_ROWS, MAX_ROWS, Attributes, Cursor, Page, attributes_of

ITEM = Item("i", brand="acme", price=10.0, tags=("new", "red"), region="north", regions=("south",))
names = st.lists(st.binary(min_size=1, max_size=3), unique=True, max_size=40)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Attributes(), True),
        (Attributes(brands=frozenset({"acme", "other"})), True),
        (Attributes(brands=frozenset({"other"})), False),
        (Attributes(tags=frozenset({"red", "blue"})), True),
        (Attributes(tags=frozenset({"blue"})), False),
        (Attributes(regions=frozenset({"south"})), True),
        (Attributes(regions=frozenset({"west"})), False),
        (Attributes(min_price=10, max_price=10), True),
        (Attributes(min_price=10.01), False),
        (Attributes(max_price=9.99), False),
        (Attributes(brands=frozenset({"acme"}), tags=frozenset({"blue"})), False),
    ],
)
def test_an_item_is_listed_if_it_has_any_of_what_each_attribute_names(wanted: Attributes, fits: bool) -> None:
    assert wanted.fit(ITEM) is fits


def test_an_item_without_regions_is_everywhere_and_one_without_a_price_in_no_range() -> None:
    assert Attributes(regions=frozenset({"west"})).fit(Item("i"))
    assert Attributes(regions=frozenset({"west"})).fit(None)
    assert not Attributes(min_price=0).fit(Item("i"))
    assert not Attributes(max_price=1e9).fit(None)


@given(names, st.integers(1, 7), st.randoms(use_true_random=False))
def test_pages_give_every_row_once_however_their_order_changes(items: list[bytes], n: int, chance: object) -> None:
    given_rows: list[bytes] = []
    page: Page | None = Page(n)
    while page is not None:
        page.checked("list")
        chance.shuffle(items)  # type: ignore[attr-defined]
        rows = [item for item in items if not page.has_given(item)][:n]
        given_rows += rows
        text = page.next_cursor(rows, "list")
        page = None if text is None else Page(n, cursor=Cursor.of(text))
    assert sorted(given_rows) == sorted(items)


@pytest.mark.parametrize("text", ["x", "!", "AAAA", "ü", "A" * 9, "=" * 8])
def test_a_text_that_is_no_cursor_is_refused_by_name(text: str) -> None:
    with pytest.raises(Unprocessable, match="cursor: "):
        Cursor.of(text)


def test_a_cursor_is_for_its_own_list_alone_and_has_an_end() -> None:
    text = Page(2).next_cursor([b"a", b"b"], "list")
    assert text is not None
    cursor = Cursor.of(text)
    Page(50, cursor=cursor).checked("list")
    for page, what in (
        (Page(2, cursor=cursor), "other"), (Page(2, cursor=cursor, category=frozenset({"c"})), "list"),
        (Page(2, cursor=cursor, attributes=Attributes(max_price=1)), "list"), (Page(2, 5, cursor=cursor), "list"),
        (Page(MAX_ROWS, cursor=cursor), "list"),
    ):  # fmt: skip
        with pytest.raises(Unprocessable, match="cursor"):
            page.checked(what)
    assert Page(3).next_cursor([b"a", b"b"], "list") is None


def test_a_body_holds_a_cursor_of_more_rows_than_a_url() -> None:
    text = Page(MAX_ROWS).next_cursor([b"%d" % k for k in range(MAX_ROWS)], "list")
    assert text is not None
    with pytest.raises(Unprocessable, match=r"at most 4,000 rows together here: send it by POST.* or use offset"):
        Page(1, cursor=Cursor.of(text)).checked("list")
    page = Page(10, cursor=Cursor.of(text, MAX_POSTED_ROWS))
    page.checked("list")
    longer = page.next_cursor([b"x%d" % k for k in range(10)], "list")
    assert longer is not None
    with pytest.raises(Unprocessable, match="cursor"):
        Cursor.of(longer)
    assert len(Cursor.of(longer, MAX_POSTED_ROWS).given) == MAX_ROWS + 10


def test_a_range_that_no_price_lies_in_is_refused_and_a_single_price_is_a_range() -> None:
    assert attributes_of(None, None, None, 5.0, 5.0) == Attributes(min_price=5.0, max_price=5.0)
    with pytest.raises(Unprocessable, match="max_price: must be at least min_price, 5, and is 1"):
        attributes_of(None, None, None, 5.0, 1.0)
