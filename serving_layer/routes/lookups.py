"""The routes that read: each is one snapshot of the merged views."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.telemetry.counting import count
from adapters.terminal.commands import moment_ms, window_hours
from core.partitions.prefixes import WAIT_SECONDS, parse_at_least, parse_wait
from core.telemetry.families import IN_MEMORY
from schemas.errors import NotReady, Unprocessable
from serving_layer.answers import lookups
from serving_layer.answers import recommend as recommender
from serving_layer.answers.recommend import Wish
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer_from_memory, answer_from_stores
from serving_layer.reading.at_least import AtLeast, pauses
from serving_layer.reading.patience import MustRead
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from serving_layer.routes.counted import count_answer
from serving_layer.routes.encoding import Json
from serving_layer.routes.ingest import decoded
from serving_layer.routes.parameters import (
    MAX_CATEGORIES,
    MAX_EXCLUDED,
    MAX_N,
    AsOf,
    AtLeastText,
    Categories,
    Category,
    Exclude,
    IncludeSeen,
    ListedId,
    N,
    Offset,
    PathId,
    Wait,
    Whole,
    Window,
    unknown_name,
)

api = APIRouter(prefix="/api/v1", tags=["lookups"])
plain = APIRouter(tags=["state"])

T = TypeVar("T")
NOTHING = AtLeast()


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
        """Return the same wish as the recommender takes it."""
        category = [self.category] if isinstance(self.category, str) else self.category
        return _wish(self.n, self.offset, category, self.exclude, self.include_seen)


async def views_of(request: Request) -> Views:
    """Return the application's open stores."""
    views: Views = request.app.state.views
    return views


OpenViews = Annotated[Views, Depends(views_of)]


async def _wanted(at_least: AtLeastText = None, wait: Wait = None) -> AtLeast:
    offsets = {} if at_least is None else _parsed("at_least", parse_at_least, at_least)
    return AtLeast(offsets, WAIT_SECONDS if wait is None else _parsed("wait", parse_wait, wait))


Wanted = Annotated[AtLeast, Depends(_wanted)]


def _page(n: int, offset: int, category: list[str] | None) -> Page:
    return Page(n, offset, frozenset(category) if category else None)


def _wish(n: int, offset: int, category: list[str] | None, exclude: list[str] | None, include_seen: bool) -> Wish:
    return Wish(_page(n, offset, category), {item.encode() for item in exclude or ()}, include_seen)


async def _answered(views: Views, compute: Callable[[Snapshot], dict[str, Any]], at_least: AtLeast = NOTHING) -> Json:
    """Return the answer of a snapshot that holds so much; while it waits for one it keeps no thread."""
    loop, checked = asyncio.get_running_loop(), at_least.of(compute)
    deadline, pause = loop.time() + at_least.seconds, pauses()
    while True:
        try:
            body = await _computed(views, checked)
            count_answer(body)
            return Json(body)
        except NotReady:
            if not at_least.offsets or loop.time() >= deadline:
                raise
        await asyncio.sleep(next(pause))


async def _computed(views: Views, compute: Callable[[Snapshot], dict[str, Any]]) -> dict[str, Any]:
    """Compute at once what is in memory; a store is never read on the event loop."""
    try:
        body = answer_from_memory(views, compute)
        count(IN_MEMORY, "memory")
        return body
    except MustRead:
        count(IN_MEMORY, "stores")
        return await run_in_threadpool(answer_from_stores, views, compute)


@api.get("/recommendations/{user_id}")
async def get_recommendations(
    views: OpenViews, at_least: Wanted, user_id: PathId, n: N = 10, offset: Offset = 0, category: Categories = None,
    exclude: Exclude = None, include_seen: IncludeSeen = False,
) -> Json:  # fmt: skip
    """Return what the user may like, and why."""
    wish = _wish(n, offset, category, exclude, include_seen)
    return await _answered(views, lambda snapshot: recommender.recommend(snapshot, user_id.encode(), wish), at_least)


@api.post("/recommendations/{user_id}", openapi_extra={"x-body": "Wish"})
async def post_recommendations(request: Request, views: OpenViews, at_least: Wanted, user_id: PathId) -> Json:
    """Return the same as GET, for lists of items to leave out that are too long for a URL."""
    wish = (await run_in_threadpool(read_wish, await request.body())).wish
    return await _answered(views, lambda snapshot: recommender.recommend(snapshot, user_id.encode(), wish), at_least)


def read_wish(body: bytes) -> WishBody:
    """Return the wish that a body holds. Raises Unprocessable with a sentence about everything that is wrong."""
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
async def get_item(views: OpenViews, at_least: Wanted, item_id: PathId) -> Json:
    """Return what is known of an item."""
    return await _answered(views, lambda snapshot: lookups.item(snapshot, item_id.encode()), at_least)


@api.get("/items/{item_id}/similar")
async def get_similar(
    views: OpenViews, at_least: Wanted, item_id: PathId, n: N = 10, offset: Offset = 0, category: Categories = None
) -> Json:
    """Return what goes with an item, most similar first."""
    page = _page(n, offset, category)
    return await _answered(views, lambda snapshot: lookups.similar(snapshot, item_id.encode(), page), at_least)


@api.get("/trending")
async def get_trending(
    views: OpenViews, at_least: Wanted, window: Window = "24h", as_of: AsOf = None, n: N = 10, offset: Offset = 0,
    category: Categories = None,
) -> Json:  # fmt: skip
    """Return what grows in the last hours, or is popular while growth is unknown."""
    hours = _parsed("window", window_hours, window)
    moment = None if as_of is None else _parsed("as_of", moment_ms, as_of)
    page = _page(n, offset, category)
    return await _answered(views, lambda snapshot: lookups.trending(snapshot, hours, moment, page), at_least)


@api.get("/users/{user_id}/history")
async def get_history(
    views: OpenViews, at_least: Wanted, user_id: PathId, n: N = 10, offset: Offset = 0, category: Categories = None
) -> Json:
    """Return the user's last items, newest first."""
    page = _page(n, offset, category)
    return await _answered(views, lambda snapshot: lookups.history(snapshot, user_id.encode(), page), at_least)


@api.get("/users/{user_id}/profile")
async def get_profile(views: OpenViews, at_least: Wanted, user_id: PathId) -> Json:
    """Return what is known of a user."""
    return await _answered(views, lambda snapshot: recommender.profile(snapshot, user_id.encode()), at_least)


@api.get("/explain/{user_id}/{item_id}")
async def get_explanation(views: OpenViews, at_least: Wanted, user_id: PathId, item_id: PathId) -> Json:
    """Return why an item is, or is not, recommended to a user."""
    return await _answered(
        views, lambda snapshot: recommender.explain(snapshot, user_id.encode(), item_id.encode()), at_least
    )


@api.get("/health")
@plain.get("/health", include_in_schema=False)
async def health() -> dict[str, str]:
    """Report that the process is alive."""
    return {"status": "alive"}


@api.get("/ready")
@plain.get("/ready", include_in_schema=False)
async def ready(views: OpenViews) -> Json:
    """Return whether lookups can be answered; 503 with the reason until then."""
    return await _answered(views, lambda snapshot: {"status": "ready", **snapshot.header()})


def _parsed(name: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, f"{name}: {error}") from None
