"""The routes that a page shows the installation by: its status, and lists of items with their records and hours."""

import time
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from adapters.settings import Settings
from schemas.errors import MillraceError
from serving_layer.answers.active_users import active_users
from serving_layer.answers.merge import merge
from serving_layer.answers.several import several
from serving_layer.answers.status import status
from serving_layer.reading.views import Views
from serving_layer.routes import shown
from serving_layer.routes.answering import OpenViews, Wanted, answered
from serving_layer.routes.encoding import Json
from serving_layer.routes.link import LogLink
from serving_layer.routes.models import says
from serving_layer.routes.paging import Paged
from serving_layer.routes.parameters import ManyItems, N, PathId

MOST_HOURS = 24 * 31

api = APIRouter(prefix="/api/v1", tags=["state"])

Hours = Annotated[int, Query(ge=1, le=MOST_HOURS, description="How many hours to count, up to the one of as_of.")]


def status_now(views: Views, link: LogLink, settings: Settings) -> dict[str, Any]:
    """Return what the command ``status`` prints; asks stores and log."""
    log = None
    with suppress(MillraceError):
        log = link.log()
    return status(views, settings, log, time.time_ns() // 1_000_000)


@api.get("/status", responses=says(shown.Status))
async def get_status(request: Request, views: OpenViews) -> Json:
    """Return generation, boundary, lag and freshness, and what a person should do: as `millrace status --json`."""
    state = request.app.state
    return Json(await run_in_threadpool(status_now, views, state.link, state.settings))


@api.get("/items", responses=says(shown.Several))
async def get_items(views: OpenViews, at_least: Wanted, item: ManyItems, hours: Hours = 24) -> Json:
    """Return several items with their records and their counts by hour, those of the two layers apart."""
    names = list(dict.fromkeys(name.encode() for name in item))
    return await answered(views, lambda snapshot: several(snapshot, names, hours), at_least)


@api.get("/items/{item_id}/merge", responses=says(shown.Merge))
async def get_merge(views: OpenViews, at_least: Wanted, item_id: PathId, page: Paged) -> Json:
    """Return what goes with an item as `/similar` does, each sum also as the two parts that add up to it."""
    return await answered(views, lambda snapshot: merge(snapshot, item_id.encode(), page), at_least)


@api.get("/users", responses=says(shown.ActiveUsers))
async def get_users(views: OpenViews, at_least: Wanted, n: N = 10) -> Json:
    """Return users who did something lately, the latest first, then any others."""
    return await answered(views, lambda snapshot: active_users(snapshot, n), at_least)
