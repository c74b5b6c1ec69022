"""What answers about one user or item hold, as models with examples."""

from pydantic import BaseModel, Field

from serving_layer.routes.models import EXPERIMENT, ROW, STATE, Detail, Listed, State, Trend, shown


class Touched(BaseModel):
    """One item of a history."""

    item_id: str
    rating: float
    last_time: int = Field(description="Epoch ms.")


class History(Listed):
    """A user's last items."""

    model_config = shown(
        user_id="ann", **STATE, next_cursor="q83vASNFZ4mrze8",
        items=[{"item_id": "book-2", "rating": 2.0, "last_time": 1764323000000}],
    )  # fmt: skip

    user_id: str
    items: list[Touched]


class ItemKnown(State):
    """What is known of an item: the members of its record, and what the views add."""

    model_config = shown(**ROW, title="A book", price=12.5, hidden=False, norm=41.0, **STATE)

    item_id: str
    title: str | None = None
    category: str | None
    categories: list[str] = Field([], description="All of them, where there are several.")
    brand: str | None = None
    price: float | None = None
    tags: list[str] | dict[str, float] = Field([], description="Tags, or how relevant each is.")
    regions: list[str] = Field([])
    hidden: bool
    norm: float


class Taste(BaseModel):
    """A category with the ratings of the history's items in it."""

    category: str
    rating: float


class Profile(State):
    """What is known of a user."""

    model_config = shown(
        user_id="ann", **STATE, preferences=["books"], attributes={"language": "en"},
        categories=[{"category": "books", "rating": 9.0}], history_items=4, seen_items=6,
    )  # fmt: skip

    user_id: str
    preferences: list[str]
    attributes: Detail
    categories: list[Taste]
    history_items: int
    seen_items: int


class Reason(BaseModel):
    """A history item that speaks for another; ``last_time`` is null beyond the history."""

    item_id: str
    contribution: float
    rating: float
    last_time: int | None
    co_rating: float


class HouseRule(BaseModel):
    """A house rule that is about the item."""

    name: str
    does: str
    amount: float | None


class Explanation(State):
    """Why an item is, or is not, recommended to a user."""

    model_config = shown(
        user_id="ann", **ROW, **STATE, score=0.81, confidence=0.12, source="similar", sources={"similar": 0.6},
        because=[{"item_id": "book-2", "contribution": 0.3, "rating": 2.0, "last_time": 1764323000, "co_rating": 16.0}],
        seen=False, listed=True, features=[], rules=[{"name": "own brand first", "does": "boost", "amount": 1.5}],
    )  # fmt: skip

    user_id: str
    item_id: str
    experiment: str | None = EXPERIMENT
    score: float
    confidence: float
    source: str | None
    sources: dict[str, float]
    features: list[Detail]
    because: list[Reason]
    seen: bool
    listed: bool
    rules: list[HouseRule]
    category: str | None


RATE = {"count": 12, "of": 96, "rate": 0.125, "low": 0.073, "high": 0.206}


class Hour(BaseModel):
    """One hour with the events that count in it; ``hour`` is where it begins, epoch ms."""

    hour: int
    events: int
    users: float | None = Field(description="About how many users were active.")
    kinds: dict[str, int]


class Counted(BaseModel):
    """A category: ``count`` of the events of its most frequent items, the rest by the category that events name."""

    category: str
    count: int
    events: int
    engagement: dict[str, float | None] | None
    click_through: dict[str, float | None] | None


class Dashboard(State):
    """The last day, or the range asked for, in numbers; shapes in docs/insights.md."""

    model_config = shown(
        **STATE, as_of=1764324000000, events=312, duplicates=0, rejected=1, counted_items=40, basis="popular",
        hours=[{"hour": 1764320400000, "events": 17, "users": 9.0, "kinds": {"view": 17}}],
        categories=[{"category": "books", "count": 120, "events": 130, "engagement": RATE, "click_through": RATE}],
        kpis={"events": {"value": 312, "before": 290, "change": {"ratio": 1.08, "low": 0.9, "high": 1.3}}},
        health={"degraded": [], "rejected_by_reason": {}}, exists={"from": 1760000400000, "to": 1764327600000},
        **{"from": 1764241200000, "to": 1764327600000},
        items=[{**ROW, "basis": "popular", "score": 17.0, "count": 17, "change": 0.2, "expected": 9.5, "growth": 0.6}],
        quality={"users": 200, "ndcg@10": 0.14},
    )  # fmt: skip

    as_of: int | None
    first: int | None = Field(alias="from", description="Where the range begins, epoch ms.")
    end: int | None = Field(alias="to", description="Where it ends, exclusive.")
    exists: dict[str, int] | None = Field(description="The range of the data.")
    events: int
    duplicates: int
    rejected: int
    kpis: dict[str, Detail] = Field(description="events, users, engagement, click_through, purchases.")
    health: Detail
    hours: list[Hour]
    counted_items: int
    basis: str
    items: list[Trend]
    categories: list[Counted]
    quality: dict[str, float] | None = Field(description="How well the active generation ranked: users, ndcg@10.")
