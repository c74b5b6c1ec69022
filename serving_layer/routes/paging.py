"""The parameters that choose a part of a list: how many, from where, and which items may be among them."""

from typing import Annotated

from fastapi import Depends, Query

from serving_layer.merged.pages import MAX_ROWS, Cursor, Page, attributes_of, names_of
from serving_layer.routes.parameters import MAX_CATEGORIES, Categories, Label, N, Offset

Brands = Annotated[
    list[Label] | None, Query(alias="brand", max_length=MAX_CATEGORIES, description="Of this brand; repeated: of any.")
]
Tags = Annotated[
    list[Label] | None,
    Query(alias="tag", max_length=MAX_CATEGORIES, description="With this tag; repeated: any."),
]
Regions = Annotated[
    list[Label] | None,
    Query(alias="region", max_length=MAX_CATEGORIES, description="To be had there; without regions: everywhere."),
]
MinPrice = Annotated[float | None, Query(ge=0, allow_inf_nan=False, description="Of this price or more.")]
MaxPrice = Annotated[float | None, Query(ge=0, allow_inf_nan=False, description="Of this price or less.")]
CursorText = Annotated[
    str | None,
    Query(max_length=50_000, description="next_cursor of the page before: no row twice, none passed over."),
]


def cursor_of(text: str | None, most: int = MAX_ROWS) -> Cursor | None:
    """Return where the page before ended; None for the first page. Raises Unprocessable."""
    return Cursor.of(text, most) if text else None


async def _paged(
    n: N = 10, offset: Offset = 0, category: Categories = None, brand: Brands = None, tag: Tags = None,
    region: Regions = None, min_price: MinPrice = None, max_price: MaxPrice = None, cursor: CursorText = None,
) -> Page:  # fmt: skip
    attributes = attributes_of(brand, tag, region, min_price, max_price)
    return Page(n, offset, names_of(category), attributes, cursor_of(cursor))


Paged = Annotated[Page, Depends(_paged)]
