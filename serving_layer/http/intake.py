"""The routes that write: bodies become records of the log, answered after the broker has acknowledged them."""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from adapters.settings import Settings
from serving_layer.http import ingest
from serving_layer.http.link import LogLink

POSTS_AT_ONCE = 20  # of the 40 threads that answer: while the log is away each post keeps one for half a minute
TURN_SECONDS = 30.0  # a post that has not got its turn by then is sent back
NO_TURN = f"the log has been slower than the posts for {TURN_SECONDS:g} s: nothing of this one was taken, send it again"

api = APIRouter(prefix="/api/v1", tags=["intake"])


def turns() -> asyncio.Semaphore:
    """What an application keeps as ``state.turns``."""
    return asyncio.Semaphore(POSTS_AT_ONCE)


@api.post("/interactions", status_code=202, openapi_extra={"x-body": "Event"})
async def post_interactions(request: Request) -> JSONResponse:
    """Events to the log, an object or an array; answered after the broker has acknowledged them.

    ``event_id`` and ``event_time`` may be left to the server.
    """
    rules = _settings(request).rules

    def read(body: bytes) -> ingest.Posted:
        return ingest.read_interactions(body, rules, time.time_ns() // 1_000_000, lambda: uuid.uuid4().hex)

    return await _taken(request, "events", read, _events_taken)


@api.post("/items", status_code=202, openapi_extra={"x-body": "Item"})
async def post_items(request: Request) -> JSONResponse:
    """Items as they are from now on, an object or an array: whole records; PATCH changes a part of one."""
    return await _taken(request, "items", ingest.read_items, _entries_taken)


@api.post("/users", status_code=202, openapi_extra={"x-body": "User"})
async def post_users(request: Request) -> JSONResponse:
    """Users as they are from now on, an object or an array."""
    return await _taken(request, "users", ingest.read_users, _entries_taken)


async def _taken(
    request: Request,
    topic: str,
    read: Callable[[bytes], ingest.Posted],
    told: Callable[[ingest.Posted], dict[str, Any]],
) -> JSONResponse:
    """Judge the body and append it, in turn."""
    body = await request.body()
    link: LogLink = request.app.state.link

    def append() -> dict[str, Any]:
        posted = read(body)
        link.appender().append_all(getattr(link.log().topics, topic), posted.records)
        return told(posted)

    return await in_turn(request, append)


async def in_turn(request: Request, append: Callable[[], dict[str, Any]]) -> JSONResponse:
    """A 202 with what ``append`` returns. It runs in turn; those that wait hold no thread, so lookups keep theirs."""
    turn: asyncio.Semaphore = request.app.state.turns
    try:
        await asyncio.wait_for(turn.acquire(), TURN_SECONDS)
    except TimeoutError:
        raise HTTPException(503, NO_TURN, {"Retry-After": "5"}) from None
    try:
        answer = await run_in_threadpool(append)
    finally:
        turn.release()
    return JSONResponse(answer, 202)


def _events_taken(posted: ingest.Posted) -> dict[str, Any]:
    taken = {"accepted": len(posted.records), "event_ids": posted.ids, "rejected": posted.rejected}
    return {**taken, "duplicates": posted.duplicates}


def _entries_taken(posted: ingest.Posted) -> dict[str, Any]:
    return {"accepted": len(posted.records), "rejected": posted.rejected}


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
