"""The routes that read: each is one snapshot of the merged views."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.terminal.commands import moment_ms, window_hours
from schemas.errors import Unprocessable
from serving_layer.answers import lookups
from serving_layer.answers import recommend as recommender
from serving_layer.answers.recommend import Wish
from serving_layer.http.ingest import decoded
from serving_layer.http.parameters import (
    MAX_CATEGORIES,
    MAX_EXCLUDED,
    MAX_N,
    AsOf,
    Categories,
    Category,
    Exclude,
    IncludeSeen,
    ListedId,
    N,
    Offset,
    PathId,
    Whole,
    Window,
    unknown_name,
)
from serving_layer.reading.answering import answer
from serving_layer.reading.catalogue import Page
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views

api = APIRouter(prefix="/api/v1", tags=["lookups"])
plain = APIRouter(tags=["state"])


class WishBody(BaseModel):
    """What ``POST /recommendations`` may say; ``context`` is accepted and does not change the ranking yet."""

    model_config = ConfigDict(extra="forbid", strict=True)

    n: Whole = Field(10, ge=1, le=MAX_N)
    offset: Whole = Field(0, ge=0)
    category: Category | Annotated[list[Category], Field(min_length=1, max_length=MAX_CATEGORIES)] | None = None
    exclude: Annotated[list[ListedId], Field(max_length=MAX_EXCLUDED)] = []
    include_seen: bool = False
    context: dict[str, Any] | None = None

    @property
    def wish(self) -> Wish:
        """The same as the recommender takes it."""
        category = [self.category] if isinstance(self.category, str) else self.category
        return _wish(self.n, self.offset, category, self.exclude, self.include_seen)


def views_of(request: Request) -> Views:
    """The application's open stores."""
    views: Views = request.app.state.views
    return views


OpenViews = Annotated[Views, Depends(views_of)]


def _page(n: int, offset: int, category: list[str] | None) -> Page:
    return Page(n, offset, frozenset(category) if category else None)


def _wish(n: int, offset: int, category: list[str] | None, exclude: list[str] | None, include_seen: bool) -> Wish:
    return Wish(_page(n, offset, category), {item.encode() for item in exclude or ()}, include_seen)


def _answered(views: Views, compute: Callable[[Snapshot], dict[str, Any]]) -> JSONResponse:
    return JSONResponse(answer(views, compute))


@api.get("/recommendations/{user_id}")
def get_recommendations(
    views: OpenViews, user_id: PathId, n: N = 10, offset: Offset = 0, category: Categories = None,
    exclude: Exclude = None, include_seen: IncludeSeen = False,
) -> JSONResponse:  # fmt: skip
    """What the user may like, and why."""
    wish = _wish(n, offset, category, exclude, include_seen)
    return _answered(views, lambda snapshot: recommender.recommend(snapshot, user_id.encode(), wish))


@api.post("/recommendations/{user_id}", openapi_extra={"x-body": "Wish"})
async def post_recommendations(request: Request, views: OpenViews, user_id: PathId) -> JSONResponse:
    """The same with a body, for lists of items to leave out that are too long for a URL."""
    body = await request.body()

    def answered() -> JSONResponse:
        wish = read_wish(body).wish
        return _answered(views, lambda snapshot: recommender.recommend(snapshot, user_id.encode(), wish))

    return await run_in_threadpool(answered)


def read_wish(body: bytes) -> WishBody:
    """The wish that a body holds. Raises Unprocessable with a sentence about everything that is wrong."""
    given, known = decoded(body), list(WishBody.model_fields)
    for name in given if isinstance(given, dict) else ():
        if name not in known:
            raise Unprocessable(unknown_name(name, known, "field"))
    try:
        return WishBody.model_validate(given)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, fault['loc'])) or 'the body'}: {fault['msg']}" for fault in error.errors()[:10]]
        raise Unprocessable("; ".join(wrong)) from None


@api.get("/items/{item_id}")
def get_item(views: OpenViews, item_id: PathId) -> JSONResponse:
    """What is known of an item."""
    return _answered(views, lambda snapshot: lookups.item(snapshot, item_id.encode()))


@api.get("/items/{item_id}/similar")
def get_similar(
    views: OpenViews, item_id: PathId, n: N = 10, offset: Offset = 0, category: Categories = None
) -> JSONResponse:
    """What goes with an item, most similar first."""
    page = _page(n, offset, category)
    return _answered(views, lambda snapshot: lookups.similar(snapshot, item_id.encode(), page))


@api.get("/trending")
def get_trending(
    views: OpenViews, window: Window = "24h", as_of: AsOf = None, n: N = 10, offset: Offset = 0,
    category: Categories = None,
) -> JSONResponse:  # fmt: skip
    """What grows in the last hours, or is popular while growth cannot be told."""
    hours = _parsed("window", window_hours, window)
    moment = None if as_of is None else _parsed("as_of", moment_ms, as_of)
    page = _page(n, offset, category)
    return _answered(views, lambda snapshot: lookups.trending(snapshot, hours, moment, page))


@api.get("/users/{user_id}/history")
def get_history(
    views: OpenViews, user_id: PathId, n: N = 10, offset: Offset = 0, category: Categories = None
) -> JSONResponse:
    """The user's last items, newest first."""
    page = _page(n, offset, category)
    return _answered(views, lambda snapshot: lookups.history(snapshot, user_id.encode(), page))


@api.get("/users/{user_id}/profile")
def get_profile(views: OpenViews, user_id: PathId) -> JSONResponse:
    """What is known of a user."""
    return _answered(views, lambda snapshot: recommender.profile(snapshot, user_id.encode()))


@api.get("/explain/{user_id}/{item_id}")
def get_explanation(views: OpenViews, user_id: PathId, item_id: PathId) -> JSONResponse:
    """Why an item is, or is not, recommended to a user."""
    return _answered(views, lambda snapshot: recommender.explain(snapshot, user_id.encode(), item_id.encode()))


@api.get("/health")
@plain.get("/health", include_in_schema=False)
def health() -> dict[str, str]:
    """Alive."""
    return {"status": "alive"}


@api.get("/ready")
@plain.get("/ready", include_in_schema=False)
def ready(views: OpenViews) -> JSONResponse:
    """Whether lookups can be answered; 503 with the reason until then."""
    return _answered(views, lambda snapshot: {"status": "ready", **snapshot.header()})


def _parsed(name: str, parse: Callable[[str], int], text: str) -> int:
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, f"{name}: {error}") from None
