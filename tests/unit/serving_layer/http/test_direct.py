"""A route that takes the request alone is called without FastAPI's own way to it; its refusals are the same."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute

from schemas.errors import MillraceError, Unprocessable
from serving_layer.http.direct import Direct

api = APIRouter()


@api.post("/under-way")
async def under_way(request: Request) -> None:
    raise HTTPException(409, "one runs")


@api.post("/wrong")
async def wrong(request: Request) -> None:
    raise Unprocessable("n is no number")


async def refused(request: Request, error: Exception) -> PlainTextResponse:
    return PlainTextResponse(str(error), 409 if isinstance(error, HTTPException) else 422)


@pytest.mark.parametrize(("path", "status"), [("/under-way", 409), ("/wrong", 422)])
def test_every_refusal_of_a_route_becomes_its_answer(path: str, status: int) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    routes = [route for route in api.routes if isinstance(route, APIRoute)]
    direct = Direct(None, routes, {MillraceError: refused, HTTPException: refused})  # type: ignore[arg-type]
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
    asyncio.run(direct(scope, None, send))
    assert sent[0]["status"] == status
