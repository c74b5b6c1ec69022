"""The routes that write: bodies become records of the log, answered after the broker has acknowledged them."""

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from adapters.log.appender import Delivery
from adapters.machine.compiled import compile_apart
from adapters.settings import Settings
from adapters.telemetry.counting import timed
from core.events.catalogue import parse_user
from core.events.posted import load
from core.partitions.prefixes import as_json
from core.telemetry.families import APPEND_SECONDS
from schemas.catalogue import User
from schemas.control import Offsets
from schemas.errors import MillraceError
from schemas.rules import Rules
from serving_layer.answers.recommend import Wish, recommend
from serving_layer.reading.answering import answer as answered_now
from serving_layer.reading.views import WARM_UP, Views
from serving_layer.routes import ingest, receipts
from serving_layer.routes.counted import count_posted
from serving_layer.routes.encoding import Json
from serving_layer.routes.link import LogLink
from serving_layer.routes.models import says

JUDGED_AT_ONCE = 2  # large bodies; more would only take each other's time and memory
ON_THE_LOOP = 8 * 1024  # bytes of a body that is judged at once: less time than a thread takes to start

api = APIRouter(prefix="/api/v1", tags=["intake"])


def judges(rules: Rules) -> CapacityLimiter:
    """Return what an application keeps as ``state.judges``; the compiled code of long lists is loaded beside."""

    def compile_and_load() -> None:
        compile_apart(WARM_UP)
        load(rules)

    threading.Thread(target=compile_and_load, name="compiled judge", daemon=True).start()
    return CapacityLimiter(JUDGED_AT_ONCE)


@api.post(
    "/interactions", status_code=202, openapi_extra={"x-body": "Event"}, responses=says(receipts.Interactions, 202)
)
async def post_interactions(request: Request) -> Json:
    """Append an event or an array of events to the log; answers once the broker has acknowledged them.

    ``event_id`` and ``event_time`` may be left to the server. ``positions`` is, for each partition written to, the
    offset after the last of these events: a lookup with ``at_least`` of it holds them.
    """
    rules = _settings(request).rules

    def read(body: bytes) -> ingest.Posted:
        return ingest.read_interactions(body, rules, time.time_ns() // 1_000_000, lambda: uuid.uuid4().hex)

    posted, delivery = await _appended(request, "events", read)
    request.app.state.visibility.note(delivery.positions)
    answer = {
        "accepted": len(posted.records), "event_ids": posted.ids, "rejected": posted.rejected,
        "duplicates": posted.duplicates, "positions": as_json(await _positions(request, delivery)),
    }  # fmt: skip
    return Json(answer, 202)


@api.post("/items", status_code=202, openapi_extra={"x-body": "Item"}, responses=says(receipts.Records, 202))
async def post_items(request: Request) -> Json:
    """Replace the records of an item or of an array of items: whole records; PATCH changes a part of one."""
    return await _described(request, "items", ingest.read_items)


@api.post("/users", status_code=202, openapi_extra={"x-body": "User"}, responses=says(receipts.UserRecords, 202))
async def post_users(request: Request) -> Json:
    """Replace the records of a user or of an array of users.

    One user with ``preferences`` is answered at once with ``recommendations`` by these, before the record is applied.
    """
    posted = await _taken(request, "users", ingest.read_users)
    answer = {"accepted": len(posted.records), "rejected": posted.rejected}
    if len(posted.records) == 1:
        user = parse_user(*posted.records[0])
        if isinstance(user, User) and user.preferences:
            answer["recommendations"] = await _first_answer(request, user)
    return Json(answer, 202)


async def _first_answer(request: Request, user: User) -> dict[str, Any] | None:
    """Return what suits a user who has just stated preferences; None while no view can be read."""
    name, wish = user.user_id.encode(), Wish(preferences=user.preferences)
    views: Views = request.app.state.views
    with suppress(MillraceError):  # the record is in the log: that is what was asked for
        return await run_in_threadpool(
            answered_now, views.of_user(name), lambda snapshot: recommend(snapshot, name, wish)
        )
    return None


async def _appended(
    request: Request, topic: str, read: Callable[[bytes], ingest.Posted]
) -> tuple[ingest.Posted, Delivery]:
    """Judge the body and append what is good of it; while acknowledgements are awaited it holds no thread."""
    body = await request.body()
    link: LogLink = request.app.state.link
    if len(body) <= ON_THE_LOOP:
        posted = read(body)
    else:
        posted = await to_thread.run_sync(read, body, limiter=request.app.state.judges)
    log = await link.opened()
    with timed(APPEND_SECONDS):
        delivery = await link.appender().deliver(getattr(log.topics, topic), posted.records)
    count_posted(topic, posted)
    return posted, delivery


async def _positions(request: Request, delivery: Delivery) -> Offsets:
    """Return what a lookup must hold to hold these events; the log is asked where the broker did not say."""
    if delivery.unplaced:
        link: LogLink = request.app.state.link
        with suppress(MillraceError):  # the events are in the log: they are not refused for want of their place
            return await run_in_threadpool(lambda: link.log().positions(delivery))
    return delivery.positions


async def _described(request: Request, topic: str, read: Callable[[bytes], ingest.Posted]) -> Json:
    posted = await _taken(request, topic, read)
    return Json({"accepted": len(posted.records), "rejected": posted.rejected}, 202)


async def _taken(request: Request, topic: str, read: Callable[[bytes], ingest.Posted]) -> ingest.Posted:
    posted, _ = await _appended(request, topic, read)
    return posted


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
