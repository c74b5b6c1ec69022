"""The routes of personal lists: make, read, change, delete, and recommend from them."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from adapters.records.lists import change_lists, read_lists
from core.lists.personal import LEAST_WEIGHT, MOST_ITEMS, MOST_WEIGHT, Change, Lists
from serving_layer.answers.personal_lists import (
    Named,
    all_shown,
    changed,
    made,
    one_of,
    recommended,
    shown,
    without,
)
from serving_layer.answers.recommend import Wish
from serving_layer.pictures.lists import by_pictures
from serving_layer.routes.answering import OpenViews, Wanted, answered
from serving_layer.routes.bodies import Body, read_body
from serving_layer.routes.encoding import Json
from serving_layer.routes.models import LIKED, ROW, STATE, Liked, Row, State, says
from serving_layer.routes.models import shown as example
from serving_layer.routes.paging import Paged
from serving_layer.routes.parameters import IncludeSeen, ListedId, PathId

LIST = {
    "user_id": "ann", "list_id": "gifts", "made_at": 1764320000000, "changed_at": 1764324000000,
    "items": [{"item_id": "book-1", "weight": 1.0}],
}  # fmt: skip

api = APIRouter(prefix="/api/v1", tags=["lists"])


class Entry(Body):
    """An item of a list, and how much it counts."""

    item_id: ListedId
    weight: Annotated[float, Field(ge=LEAST_WEIGHT, le=MOST_WEIGHT)] = 1.0


Entries = Annotated[list[Entry], Field(max_length=MOST_ITEMS)]


class NewList(Body):
    """A new list: its name, and its items."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"list_id": "gifts", "items": [{"item_id": "book-1"}]}]})

    list_id: ListedId
    items: Entries = Field(default_factory=list)


class ListChange(Body):
    """What to change: ``items`` replaces all of them, ``add`` adds or weighs anew, ``remove`` removes."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"add": [{"item_id": "book-2", "weight": 2.0}], "remove": ["book-1"]}]}
    )

    items: Entries | None = None
    add: Entries = Field(default_factory=list)
    remove: Annotated[list[ListedId], Field(max_length=MOST_ITEMS)] = Field(default_factory=list)


class KnownEntry(BaseModel):
    """An item of a list, and how much it counts."""

    item_id: str
    weight: float


class KnownList(BaseModel):
    """A list of a user, its items in the order in which they were added."""

    model_config = example(**LIST)

    user_id: str
    list_id: str
    made_at: int = Field(description="Epoch ms.")
    changed_at: int
    items: list[KnownEntry]


class Heading(BaseModel):
    """A list without its items."""

    list_id: str
    made_at: int
    changed_at: int
    size: int


class KnownLists(BaseModel):
    """All lists of a user."""

    model_config = example(
        user_id="ann", lists=[{"list_id": "gifts", "made_at": 1764320000000, "changed_at": 1764324000000, "size": 1}]
    )

    user_id: str
    lists: list[Heading]


class ByContents(Row):
    """An item that is described like those of the list, or looks like them, and which of them say so."""

    score: float
    because: list[str]


class FromList(State):
    """What a list recommends, by its items' words, by their pictures and by what users did with them, side by side."""

    model_config = example(
        user_id="ann", list_id="gifts", **STATE,
        by_words=[{**ROW, "score": 0.41, "because": ["book-1"]}],
        by_pictures=[{**ROW, "score": 0.72, "because": ["book-1"]}], by_behaviour=[LIKED],
    )  # fmt: skip

    user_id: str
    list_id: str
    unknown_items: list[str] = Field([], description="Items of the list that nothing names; they change nothing.")
    missing: str = Field("", description="Why nothing is listed by words; absent where something is.")
    missing_by_pictures: str = Field("", description="Why nothing is listed by pictures; absent where something is.")
    by_words: list[ByContents]
    by_pictures: list[ByContents]
    by_behaviour: list[Liked]


@api.get("/users/{user_id}/lists", responses=says(KnownLists))
async def get_lists(views: OpenViews, user_id: PathId) -> Json:
    """Return a user's own lists, without their items."""
    return Json(all_shown(user_id, await run_in_threadpool(read_lists, views.batch, user_id.encode())))


@api.post(
    "/users/{user_id}/lists", status_code=201, openapi_extra={"x-body": "NewList"}, responses=says(KnownList, 201)
)
async def post_list(request: Request, views: OpenViews, user_id: PathId) -> Json:
    """Make a list; the user need not be known. 409 where there is one of that name."""
    body = await run_in_threadpool(read_body, NewList, await request.body())
    change = Change(items=_weights(body.items))
    return await _changed(views, user_id, body.list_id, lambda lists: made(lists, body.list_id, change, _now()), 201)


@api.get("/users/{user_id}/lists/{list_id}", responses=says(KnownList))
async def get_list(views: OpenViews, user_id: PathId, list_id: PathId) -> Json:
    """Return one list."""
    lists = await run_in_threadpool(read_lists, views.batch, user_id.encode())
    return Json(shown(user_id, list_id, one_of(lists, list_id)))


@api.patch("/users/{user_id}/lists/{list_id}", openapi_extra={"x-body": "ListChange"}, responses=says(KnownList))
async def patch_list(request: Request, views: OpenViews, user_id: PathId, list_id: PathId) -> Json:
    """Change a list; answers with the whole."""
    body = await run_in_threadpool(read_body, ListChange, await request.body())
    change = Change(None if body.items is None else _weights(body.items), _weights(body.add), body.remove)
    return await _changed(views, user_id, list_id, lambda lists: changed(lists, list_id, change, _now()))


@api.delete("/users/{user_id}/lists/{list_id}", responses=says(KnownLists))
async def delete_list(views: OpenViews, user_id: PathId, list_id: PathId) -> Json:
    """Delete a list; answers with those that are left."""
    lists = await run_in_threadpool(
        change_lists, views.batch, user_id.encode(), lambda before: without(before, list_id)
    )
    return Json(all_shown(user_id, lists))


@api.get("/users/{user_id}/lists/{list_id}/recommendations", responses=says(FromList))
async def get_from_list(
    request: Request, views: OpenViews, at_least: Wanted, user_id: PathId, list_id: PathId, page: Paged,
    include_seen: IncludeSeen = False,
) -> Json:  # fmt: skip
    """Return what suits a list by its items' words alone, by their pictures alone, and by what users did with them."""
    lists = await run_in_threadpool(read_lists, views.batch, user_id.encode())
    named = Named(user_id.encode(), list_id, one_of(lists, list_id).items)
    wish, most = Wish(page, include_seen=include_seen), request.app.state.settings.rules.history_items
    seen = by_pictures(request.app.state.eye)
    return await answered(views, lambda snapshot: recommended(snapshot, named, wish, most, seen), at_least, long=True)


async def _changed(
    views: OpenViews, user_id: str, list_id: str, change: Callable[[Lists], Lists], status: int = 200
) -> Json:
    lists = await run_in_threadpool(change_lists, views.batch, user_id.encode(), change)
    return Json(shown(user_id, list_id, lists[list_id]), status)


def _weights(entries: Sequence[Entry]) -> dict[str, float]:
    return {entry.item_id: entry.weight for entry in entries}


def _now() -> int:
    return time.time_ns() // 1_000_000
