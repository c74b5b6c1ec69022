"""The HTTP API under ``/api/v1`` (contract §7); OpenAPI at ``/docs``."""

import logging
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import FrameType
from typing import Annotated, Any

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, Field
from starlette.exceptions import HTTPException as RoutingException

from adapters.commands import moment_ms, window_hours
from adapters.saying import log_to_stderr
from adapters.settings import Settings
from schemas.errors import MillraceError
from serving_layer import ingest, lookups, recommender
from serving_layer.catalogue import Page
from serving_layer.link import LogLink
from serving_layer.posting import body_of, in_turn, turns
from serving_layer.problems import MEDIA_TYPE, UndecodedPaths, path_id, problem, problem_of
from serving_layer.recommender import Wish
from serving_layer.snapshot import Snapshot
from serving_layer.views import Views, answer, open_views

MAX_N = 1_000
Id = Annotated[str, AfterValidator(path_id)]
N = Annotated[int, Query(ge=1, le=MAX_N)]
Offset = Annotated[int, Query(ge=0)]
Window = Annotated[str, Query(description="Whole hours: 1h, 24h, 7d.")]
Category = Annotated[list[str] | None, Query(description="Only items of this category; repeated: of any of them.")]
AsOf = Annotated[str | None, Query(description="Event time that 'now' means; epoch ms or RFC 3339.")]

api = APIRouter(prefix="/api/v1")


class WishBody(BaseModel):
    """What ``POST /recommendations`` may say; ``context`` is accepted and does not change the ranking yet."""

    n: int = Field(10, ge=1, le=MAX_N)
    offset: int = Field(0, ge=0)
    category: str | list[str] | None = None
    exclude: list[str] = []
    include_seen: bool = False
    context: dict[str, Any] | None = None


def create_app(settings: Settings) -> FastAPI:
    """The application; its stores and its log are open while it runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings.home.mkdir(parents=True, exist_ok=True)
        with open_views(settings) as views:
            link = LogLink(settings, views.speed)
            app.state.turns = turns()
            app.state.views, app.state.link, app.state.settings = views, link, settings
            with link.running():
                yield

    app = FastAPI(title="Millrace", version="1", lifespan=lifespan, redirect_slashes=False)
    app.include_router(api)
    app.add_api_route("/health", health, include_in_schema=False)
    app.add_api_route("/ready", ready, include_in_schema=False)
    app.add_middleware(UndecodedPaths)
    app.add_exception_handler(MillraceError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(RoutingException, _http)
    app.add_exception_handler(Exception, _unexpected)
    return app


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way are answered first."""

    def already_stopping(number: int, frame: FrameType | None) -> None:
        """uvicorn sends itself the signal again once it has stopped; that is no reason to die of it."""

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, already_stopping)
    log_to_stderr("%(asctime)s %(name)s %(message)s")
    config = uvicorn.Config(
        create_app(settings), host, port, log_config=None, access_log=False, timeout_graceful_shutdown=10
    )
    server = uvicorn.Server(config)
    with suppress(SystemExit):  # that is how uvicorn tells that it cannot listen
        server.run()
    if not server.started:
        raise MillraceError(f"cannot serve on {host}:{port} (the log says why): name another with --host and --port")


def views_of(request: Request) -> Views:
    views: Views = request.app.state.views
    return views


OpenViews = Annotated[Views, Depends(views_of)]
Body = Annotated[bytes, Depends(body_of)]
IN_TURN = Depends(in_turn)


def _page(n: int, offset: int, category: list[str] | None) -> Page:
    return Page(n, offset, frozenset(category) if category else None)


def _told(views: Views, compute: Callable[[Snapshot], dict[str, Any]]) -> JSONResponse:
    return JSONResponse(answer(views, compute))


@api.get("/recommendations/{user_id}")
def get_recommendations(
    views: OpenViews, user_id: Id, n: N = 10, offset: Offset = 0, category: Category = None,
    exclude: Annotated[list[str] | None, Query()] = None, include_seen: bool = False,
) -> JSONResponse:  # fmt: skip
    """What the user may like, and why."""
    wish = Wish(_page(n, offset, category), {item.encode() for item in exclude or ()}, include_seen)
    return _told(views, lambda snapshot: recommender.recommend(snapshot, user_id.encode(), wish))


@api.post("/recommendations/{user_id}")
def post_recommendations(views: OpenViews, user_id: Id, wish: WishBody) -> JSONResponse:
    """The same with a body, for lists of items to leave out that are too long for a URL."""
    category = [wish.category] if isinstance(wish.category, str) else wish.category
    return get_recommendations(views, user_id, wish.n, wish.offset, category, wish.exclude, wish.include_seen)


@api.get("/items/{item_id}")
def get_item(views: OpenViews, item_id: Id) -> JSONResponse:
    """What is known of an item."""
    return _told(views, lambda snapshot: lookups.item(snapshot, item_id.encode()))


@api.get("/items/{item_id}/similar")
def get_similar(
    views: OpenViews, item_id: Id, n: N = 10, offset: Offset = 0, category: Category = None
) -> JSONResponse:
    """What goes with an item, most similar first."""
    return _told(views, lambda snapshot: lookups.similar(snapshot, item_id.encode(), _page(n, offset, category)))


@api.get("/trending")
def get_trending(
    views: OpenViews, window: Window = "24h", as_of: AsOf = None, n: N = 10, offset: Offset = 0,
    category: Category = None,
) -> JSONResponse:  # fmt: skip
    """What grows in the last hours, or is popular while growth cannot be told."""
    hours = _parsed(window_hours, window)
    moment = None if as_of is None else _parsed(moment_ms, as_of)
    return _told(views, lambda snapshot: lookups.trending(snapshot, hours, moment, _page(n, offset, category)))


@api.get("/users/{user_id}/history")
def get_history(
    views: OpenViews, user_id: Id, n: N = 10, offset: Offset = 0, category: Category = None
) -> JSONResponse:
    """The user's last items, newest first."""
    return _told(views, lambda snapshot: lookups.history(snapshot, user_id.encode(), _page(n, offset, category)))


@api.get("/users/{user_id}/profile")
def get_profile(views: OpenViews, user_id: Id) -> JSONResponse:
    """What is known of a user."""
    return _told(views, lambda snapshot: recommender.profile(snapshot, user_id.encode()))


@api.get("/explain/{user_id}/{item_id}")
def get_explanation(views: OpenViews, user_id: Id, item_id: Id) -> JSONResponse:
    """Why an item is, or is not, recommended to a user."""
    return _told(views, lambda snapshot: recommender.explain(snapshot, user_id.encode(), item_id.encode()))


@api.post("/interactions", status_code=202, dependencies=[IN_TURN])
def post_interactions(request: Request, body: Body) -> JSONResponse:
    """Events to the log, an object or an array; answered after the broker has acknowledged them."""
    settings: Settings = request.app.state.settings
    posted = ingest.read_interactions(body, settings.rules, time.time_ns() // 1_000_000, lambda: uuid.uuid4().hex)
    _append(request, "events", posted)
    taken = {"accepted": len(posted.records), "event_ids": posted.ids, "rejected": posted.rejected}
    return JSONResponse({**taken, "duplicates": posted.duplicates}, 202)


@api.post("/items", status_code=202, dependencies=[IN_TURN])
def post_items(request: Request, body: Body) -> JSONResponse:
    """Items as they are from now on, an object or an array."""
    posted = ingest.read_items(body)
    _append(request, "items", posted)
    return JSONResponse({"accepted": len(posted.records), "rejected": posted.rejected}, 202)


@api.post("/users", status_code=202, dependencies=[IN_TURN])
def post_users(request: Request, body: Body) -> JSONResponse:
    """Users as they are from now on, an object or an array."""
    posted = ingest.read_users(body)
    _append(request, "users", posted)
    return JSONResponse({"accepted": len(posted.records), "rejected": posted.rejected}, 202)


@api.get("/health")
def health() -> dict[str, str]:
    """Alive."""
    return {"status": "alive"}


@api.get("/ready")
def ready(views: OpenViews) -> JSONResponse:
    """Whether lookups can be answered; 503 with the reason until then."""
    return _told(views, lambda snapshot: {"status": "ready", **snapshot.header()})


def _append(request: Request, topic: str, posted: ingest.Posted) -> None:
    link: LogLink = request.app.state.link
    link.appender().append_all(getattr(link.log().topics, topic), posted.records)


def _parsed(parse: Callable[[str], int], text: str) -> int:
    try:
        return parse(text)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


def _answer(told: dict[str, Any]) -> JSONResponse:
    return JSONResponse(told, told["status"], media_type=MEDIA_TYPE)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MillraceError)
    return _answer(problem_of(error))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = [{"where": ".".join(map(str, each["loc"])), "why": each["msg"]} for each in error.errors()]
    return _answer(problem(422, "; ".join(f"{each['where']}: {each['why']}" for each in wrong), errors=wrong))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RoutingException)
    return _answer(problem(error.status_code, str(error.detail)))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logging.getLogger("serving").error("failed path=%s", request.url.path, exc_info=error)
    return _answer(problem(500, "this should not happen; the log has the details"))
