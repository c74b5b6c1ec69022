"""The routes that change existing records: an item's members, and whose a history is."""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from adapters.records.item_records import ItemRecords
from adapters.settings import Settings
from schemas.errors import Unprocessable
from schemas.event import MAX_VALUE_BYTES
from serving_layer.answers.aliases import move_history, read_alias
from serving_layer.answers.forgetting import forget_user
from serving_layer.answers.item_changes import change_item
from serving_layer.routes import receipts
from serving_layer.routes.answering import OpenViews
from serving_layer.routes.encoding import Json
from serving_layer.routes.link import LogLink
from serving_layer.routes.models import says
from serving_layer.routes.parameters import PathId

CHANGES_AT_ONCE = 8  # of the threads that answer: while the log is away each change keeps one for half a minute
TURN_SECONDS = 30.0  # a change that has not got its turn by then is sent back
NO_TURN = f"the log is slower than the changes for {TURN_SECONDS:g} s: nothing of this one was taken, send it again"

api = APIRouter(prefix="/api/v1", tags=["changes"])


def turns() -> asyncio.Semaphore:
    """Return the semaphore that an application keeps as ``state.turns``."""
    return asyncio.Semaphore(CHANGES_AT_ONCE)


@api.patch(
    "/items/{item_id}",
    status_code=202,
    openapi_extra={"x-body": "ItemChange"},
    responses=says(receipts.ChangedItem, 202),
)
async def patch_item(request: Request, views: OpenViews, item_id: PathId) -> Json:
    """Change some members of an item's record (JSON merge patch, RFC 7396: null removes one); answers with the whole.

    An item that only events name gets its record.
    """
    body, link = _small(await request.body()), _link(request)

    def append() -> dict[str, Any]:
        return change_item(views, ItemRecords(link.log(), link.appender(), views.speed), item_id, body)

    return await _in_turn(request, append)


@api.post(
    "/users/{user_id}/aliases", status_code=202, openapi_extra={"x-body": "Alias"}, responses=says(receipts.Moved, 202)
)
async def post_alias(request: Request, views: OpenViews, user_id: PathId) -> Json:
    """Let the standing history of an anonymous user count as this user's; safe to repeat."""
    body, link = _small(await request.body()), _link(request)
    settings: Settings = request.app.state.settings

    def append() -> dict[str, Any]:
        anonymous = read_alias(body)
        log, appender = link.log(), link.appender()
        return move_history(views, log, appender, settings.rules, anonymous, user_id, lambda: uuid.uuid4().hex)

    return await _in_turn(request, append)


@api.delete("/users/{user_id}", status_code=202, responses=says(receipts.Forgotten, 202))
async def delete_user(request: Request, views: OpenViews, user_id: PathId) -> Json:
    """Forget a user: record and lists are deleted, and the events count no longer from the next full generation on.

    What the id does later counts as a new user's.
    """
    link, settings = _link(request), request.app.state.settings

    def append() -> dict[str, Any]:
        return forget_user(views, link.log(), settings.rules, user_id, lambda: time.time_ns() // 1_000_000)

    return await _in_turn(request, append)


async def _in_turn(request: Request, append: Callable[[], dict[str, Any]]) -> Json:
    """Answer 202 with what ``append`` returns. Changes that wait for their turn hold no thread: lookups keep theirs."""
    turn: asyncio.Semaphore = request.app.state.turns
    try:
        async with asyncio.timeout(TURN_SECONDS):
            await turn.acquire()
    except TimeoutError:
        raise HTTPException(503, NO_TURN, {"Retry-After": "5"}) from None
    try:
        answer = await run_in_threadpool(append)
    finally:
        turn.release()
    return Json(answer, 202)


def _small(body: bytes) -> bytes:
    """Return the body. Raises Unprocessable for one that says more than a record can hold, before it is decoded."""
    if len(body) > MAX_VALUE_BYTES:
        raise Unprocessable(f"the body has {len(body):,} bytes: a change has at most {MAX_VALUE_BYTES:,}, as a record")
    return body


def _link(request: Request) -> LogLink:
    link: LogLink = request.app.state.link
    return link
