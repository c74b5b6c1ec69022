"""What the bodies of questions may say, as models: unknown fields are refused by name, and nothing is converted."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.events.acceptance import MAX_RATING, weight_of
from core.house.rules import HouseRule
from schemas.errors import Unprocessable
from schemas.event import WEIGHT_SCALE
from schemas.rules import Rules
from serving_layer.answers.basket import Basket, Touch
from serving_layer.answers.recommend import Wish
from serving_layer.merged.pages import MAX_POSTED_ROWS, ROW_BYTES, Page, attributes_of
from serving_layer.routes.faults import said, sentences
from serving_layer.routes.ingest import decoded
from serving_layer.routes.paging import cursor_of
from serving_layer.routes.parameters import (
    MAX_CATEGORIES,
    MAX_EXCLUDED,
    MAX_ITEMS,
    MAX_N,
    MAX_USERS,
    Category,
    Label,
    ListedId,
    Whole,
    unknown_name,
)

Categories = Category | Annotated[list[Category], Field(min_length=1, max_length=MAX_CATEGORIES)] | None
Labels = Label | Annotated[list[Label], Field(min_length=1, max_length=MAX_CATEGORIES)] | None
Price = Annotated[float | None, Field(ge=0, allow_inf_nan=False)]
SHOWN: dict[str, Any] = {"n": 5, "category": ["books"], "exclude": ["book-1"], "context": {"items": ["book-2"]}}


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PageBody(Body):
    """Which part of a list is asked for."""

    n: Whole = Field(10, ge=1, le=MAX_N)
    offset: Whole = Field(0, ge=0)
    cursor: Annotated[str, Field(max_length=2 * ROW_BYTES * MAX_POSTED_ROWS)] | None = None
    category: Categories = None
    brand: Labels = None
    tag: Labels = None
    region: Labels = None
    min_price: Price = None
    max_price: Price = None

    @property
    def page(self) -> Page:
        """Return the page as answers take it."""
        names = _several(self.category)
        wanted = attributes_of(
            _several(self.brand), _several(self.tag), _several(self.region), self.min_price, self.max_price
        )
        return Page(
            self.n, self.offset, frozenset(names) if names else None, wanted, cursor_of(self.cursor, MAX_POSTED_ROWS)
        )


class Context(Body):
    """Where the user is now. ``items``: what the user looks at, as if viewed just now. ``device``: for house rules."""

    items: Annotated[list[ListedId], Field(max_length=MAX_ITEMS)] = []
    device: Label | None = None


class WishBody(PageBody):
    """What is wanted of the recommendations of one user."""

    model_config = ConfigDict(json_schema_extra={"examples": [SHOWN]})

    exclude: Annotated[list[ListedId], Field(max_length=MAX_EXCLUDED)] = []
    include_seen: bool = False
    context: Context | None = None

    def wish(self, rules: Rules, house: Sequence[HouseRule]) -> Wish:
        """Return the same wish as the recommender takes it.

        Raises: Unprocessable: the device has no effect, as no house rule names one.
        """
        context = self.context or Context()
        if context.device is not None and all(rule.device is None for rule in house):
            raise Unprocessable("context.device: leave it out; it would have no effect, as no house rule names one")
        basket = Basket([Touch(item.encode(), WEIGHT_SCALE) for item in context.items], rules.history_items)
        exclude = {item.encode() for item in self.exclude}
        return Wish(self.page, exclude, self.include_seen, basket, device=context.device or "")


class BasketItem(Body):
    """One item of a basket: what was done to it, as the ``kind`` of an event (``value`` for a rating) or a weight."""

    item_id: ListedId
    kind: str | None = None
    value: Annotated[float, Field(ge=0.001, le=MAX_RATING)] | None = None
    weight: Annotated[float, Field(ge=0, le=MAX_RATING)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "BasketItem":
        if self.weight is not None and (self.kind is not None or self.value is not None):
            raise ValueError("give a weight, or a kind with its value, not both")
        return self

    def touch(self, rules: Rules) -> Touch:
        """Return it with its weight. Raises Unprocessable: an unknown kind, or a rating without its value."""
        if self.weight is not None:
            return Touch(self.item_id.encode(), round(self.weight * WEIGHT_SCALE))
        if self.kind is None:
            return Touch(self.item_id.encode(), WEIGHT_SCALE)
        if self.kind not in rules.kinds:
            raise Unprocessable(f"items.kind: {unknown_name(self.kind, list(rules.kinds), 'kind')}")
        given = rules.kinds[self.kind]
        if given == "value" and self.value is None:
            raise Unprocessable(f"items.value: a {self.kind} needs its value")
        return Touch(self.item_id.encode(), weight_of(given, self.value))


class AnybodyBody(WishBody):
    """A basket, for which nobody need be known: the answer is that of a user with this history."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"item_id": "book-1", "kind": "cart"}, {"item_id": "book-2"}], "n": 5}]
        }
    )

    items: Annotated[list[BasketItem], Field(max_length=MAX_ITEMS)] = []
    preferences: Annotated[list[Category], Field(max_length=MAX_CATEGORIES)] = []

    def wish(self, rules: Rules, house: Sequence[HouseRule]) -> Wish:
        """Return the same wish as the recommender takes it; what the context holds comes last."""
        wish = super().wish(rules, house)
        touches = [*(item.touch(rules) for item in self.items), *wish.basket.touches]
        return replace(wish, basket=replace(wish.basket, touches=touches), preferences=self.preferences)


class ManyBody(WishBody):
    """Several users, of whom the same is wanted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"users": ["ann", "bob"], "n": 5}]})

    users: Annotated[list[ListedId], Field(min_length=1, max_length=MAX_USERS)]


class SimilarBody(PageBody):
    """Several items, and what goes with all of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": ["book-1", "book-2"], "n": 5}]})

    items: Annotated[list[ListedId], Field(min_length=1, max_length=MAX_ITEMS)]


B = TypeVar("B", bound=Body)


def read_body(kind: type[B], body: bytes) -> B:
    """Return what a body says. Raises Unprocessable with a sentence about everything that is wrong."""
    given = decoded(body)
    for name in given if isinstance(given, dict) else ():
        if name not in kind.model_fields:
            raise Unprocessable(unknown_name(name, list(kind.model_fields), "field"))
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise Unprocessable("; ".join(said(**entry) for entry in sentences(error.errors()))) from None


def _several(given: Any) -> Sequence[str] | None:
    return [given] if isinstance(given, str) else given
