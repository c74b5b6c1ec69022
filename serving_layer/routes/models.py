"""What answers hold, as models with examples: for the description alone, as answers are encoded without them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

STATE: dict[str, Any] = {
    "generation": "20261128T090000-4f1c", "segment": 12,
    "fresh_to": {"event_time": 1764324000000, "offsets": {"0": 150, "1": 162}}, "degraded": [],
}  # fmt: skip
ROW: dict[str, Any] = {"item_id": "book-7", "category": "books"}
LIKED = {**ROW, "score": 0.81, "confidence": 0.12, "source": "similar", "because": ["book-2"]}
Detail = dict[str, Any]
EXPERIMENT: Any = Field(None, description="The one that the user is in; absent where no experiment is set up.")


def shown(**example: Any) -> ConfigDict:
    """Return the configuration of a model that has this example."""
    return ConfigDict(json_schema_extra={"examples": [example]})


def says(kind: type[BaseModel], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return the description of a route that answers so."""
    return {status: {"model": kind}}


class FreshTo(BaseModel):
    """The prefix of the log that an answer equals a recompute of. ``offsets`` is a valid ``at_least``."""

    event_time: int | None = Field(description="The latest event time, epoch ms.")
    offsets: dict[str, int] = Field(description="By partition: every event below it counts, none from it on.")


class State(BaseModel):
    """What every answer says of itself."""

    generation: str | None
    segment: int | None
    fresh_to: FreshTo
    degraded: list[str] = Field(description="What was missing: speed, batch, model, catalogue.")


class Listed(State):
    """An answer with a page of a list."""

    next_cursor: str | None = Field(description="The cursor of the next page; null where the list ends.")


class Row(BaseModel):
    """An item in a list; ``categories`` are there where it has several, the main one first."""

    item_id: str
    category: str | None
    categories: list[str] = []


class Liked(Row):
    """An item with its score, its chance to be taken, the strongest source, and the items that speak for it."""

    score: float
    confidence: float = Field(ge=0, le=1)
    source: str | None
    because: list[str]
    rules: list[str] = Field([], description="The house rules that moved it.")
    explored: bool = Field(False, description="Whether it has its place by chance, as a new item.")


class Recommendations(Listed):
    """Recommendations of one user."""

    model_config = shown(user_id="ann", **STATE, personal=True, items=[LIKED], next_cursor="q83vASNFZ4mrze8")

    user_id: str
    experiment: str | None = EXPERIMENT
    personal: bool
    unknown_items: list[str] = []
    items: list[Liked]


class RecommendationsToAnybody(Listed):
    """Recommendations for a basket or preferences."""

    model_config = shown(**STATE, personal=True, items=[LIKED], next_cursor="q83vASNFZ4mrze8")

    personal: bool
    unknown_items: list[str] = Field([], description="Items of the basket that nothing names; they change nothing.")
    items: list[Liked]


class OfOneUser(BaseModel):
    """One of several users."""

    user_id: str
    experiment: str | None = EXPERIMENT
    personal: bool
    unknown_items: list[str] = []
    items: list[Liked]


class RecommendationsToMany(State):
    """Recommendations of several users, of one snapshot."""

    model_config = shown(**STATE, users=[{"user_id": "ann", "personal": True, "items": [LIKED]}])

    users: list[OfOneUser]


class Near(Row):
    """A neighbour of an item; `co_rating` and `norm` are there by behaviour."""

    score: float
    co_rating: float | None = None
    norm: float | None = None


class Similar(Listed):
    """The neighbours of an item by similarity; `shrinkage` and `norm` are there by behaviour."""

    model_config = shown(
        item_id="book-2", **STATE, exact=True, shrinkage=0.0, norm=41.0,
        items=[{**ROW, "score": 0.4, "co_rating": 16.0, "norm": 39.0}], next_cursor="q83vASNFZ4mrze8",
    )  # fmt: skip

    item_id: str
    by: str = Field("behaviour", description="Absent by behaviour, unless words were asked for and there are none.")
    missing: str = Field("", description="Why the answer is not by what was asked for; absent where it is.")
    model: str | None = Field(None, description="By words: `words` where a sentence encoder was trained, else `tfidf`.")
    exact: bool
    shrinkage: float | None = None
    norm: float | None = None
    distance: str | None = Field(None, description="By picture: cosine or euclidean.")
    pictures: int | None = Field(None, description="By picture: of how many.")
    items: list[Near]


class Alike(Row):
    """An item and how near its picture is: the cosine, or 1 / (1 + distance)."""

    score: float


class LikePicture(Listed):
    """The items whose pictures look like one that was sent."""

    model_config = shown(
        by="picture", distance="cosine", exact=True, pictures=3_781, **STATE, items=[{**ROW, "score": 0.83}],
        next_cursor="q83vASNFZ4mrze8",
    )  # fmt: skip

    by: str
    distance: str
    exact: bool = Field(description="Whether all pictures were compared, or those of the nearest cells.")
    pictures: int
    items: list[Alike]


class Share(BaseModel):
    """What one of the given items adds."""

    item_id: str
    score: float


class NearAll(Row):
    """An item that goes with several."""

    score: float
    because: list[Share]


class SimilarToAll(Listed):
    """What goes with several items together."""

    model_config = shown(
        similar_to=["book-1", "book-2"], **STATE, next_cursor="q83vASNFZ4mrze8",
        items=[{**ROW, "score": 0.3, "because": [{"item_id": "book-2", "score": 0.4}]}],
    )  # fmt: skip

    similar_to: list[str]
    unknown_items: list[str] = []
    items: list[NearAll]


class Trend(Row):
    """An item with what its counts say; ``expected`` and ``growth`` are null where no trend can be told."""

    basis: str
    score: float
    count: int
    expected: float | None
    growth: float | None
    change: float


class Trending(Listed):
    """The items that grow, or the popular ones."""

    model_config = shown(
        as_of=1764324000000, window_seconds=86400, basis="trend", basis_reason="rising", **STATE,
        next_cursor="q83vASNFZ4mrze8",
        items=[{**ROW, "basis": "trend", "score": 2.1, "count": 40, "expected": 9.5, "growth": 1.3, "change": 0.7}],
    )  # fmt: skip

    as_of: int | None
    window_seconds: int
    basis: str
    basis_reason: str
    would_match: list[str] = Field([], description="Only where nothing is of the category: those of the window.")
    items: list[Trend]


class New(Row):
    """A new item."""

    score: float
    created_at: int | None = Field(description="Epoch ms, as its record says.")


class Latest(Listed):
    """What is new, the newest first."""

    model_config = shown(
        hours=72, **STATE, items=[{**ROW, "score": 1.0, "created_at": 1764320000000}], next_cursor="q83vASNFZ4mrze8"
    )

    hours: int
    items: list[New]
