"""How posts are taken in: their bodies up to a limit, and only so many at a time, as each waits for the log."""

import asyncio
from collections.abc import AsyncIterator

from starlette.exceptions import HTTPException
from starlette.requests import Request

from serving_layer.ingest import MAX_BODY_BYTES

AT_A_TIME = 20  # of the 40 threads that answer: while the log is away each post keeps one for half a minute


def turns() -> asyncio.Semaphore:
    """What an application keeps as ``state.turns``."""
    return asyncio.Semaphore(AT_A_TIME)


async def in_turn(request: Request) -> AsyncIterator[None]:
    """Lets so many posts through at a time; the others wait without a thread, and lookups keep theirs."""
    async with request.app.state.turns:
        yield


async def body_of(request: Request) -> bytes:
    """The body as it came, up to a limit."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is larger than {MAX_BODY_BYTES:,} bytes: send fewer at a time")
    return bytes(body)
