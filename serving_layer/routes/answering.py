"""How routes answer: of a snapshot that holds what the request asks for, from memory where that suffices."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from adapters.telemetry.counting import count
from core.partitions.prefixes import WAIT_SECONDS, parse_at_least, parse_wait
from core.telemetry.families import IN_MEMORY
from schemas.errors import NotReady
from serving_layer.reading.answering import answer_from_memory, answer_from_stores
from serving_layer.reading.at_least import AtLeast, pauses
from serving_layer.reading.patience import MustRead
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from serving_layer.routes.counted import count_answer
from serving_layer.routes.encoding import Json
from serving_layer.routes.faults import said
from serving_layer.routes.parameters import AtLeastText, Wait

T = TypeVar("T")
NOTHING = AtLeast()


async def views_of(request: Request) -> Views:
    """Return the application's open stores."""
    views: Views = request.app.state.views
    return views


OpenViews = Annotated[Views, Depends(views_of)]


async def _wanted(at_least: AtLeastText = None, wait: Wait = None) -> AtLeast:
    offsets = {} if at_least is None else parsed("at_least", parse_at_least, at_least)
    return AtLeast(offsets, WAIT_SECONDS if wait is None else parsed("wait", parse_wait, wait))


Wanted = Annotated[AtLeast, Depends(_wanted)]


async def answered(
    views: Views, compute: Callable[[Snapshot], dict[str, Any]], at_least: AtLeast = NOTHING, long: bool = False
) -> Json:
    """Return the answer of a snapshot that holds so much; while it waits for one it keeps no thread.

    Args: long: it takes too long for the event loop, and is computed on a thread.
    """
    loop, checked = asyncio.get_running_loop(), at_least.of(compute)
    deadline, pause = loop.time() + at_least.seconds, pauses()
    while True:
        try:
            body = await (_computed_beside if long else _computed)(views, checked)
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
        return await _computed_beside(views, compute)


async def _computed_beside(views: Views, compute: Callable[[Snapshot], dict[str, Any]]) -> dict[str, Any]:
    return await run_in_threadpool(answer_from_stores, views, compute)


def parsed(name: str, parse: Callable[[str], T], text: str) -> T:
    """Return what the text of a parameter means; one that means nothing is 422."""
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, said(name, str(error))) from None
