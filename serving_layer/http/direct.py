"""Calls the routes that take nothing but the request: FastAPI's own way to them costs as much as all that they do."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from serving_layer.http.methods import App, Scope

Answer = Callable[[Request, Exception], Awaitable[Response]]


class Direct:
    """Answers those requests itself and hands on all others; ``refusals`` make the answers to errors, by kind."""

    def __init__(self, app: App, routes: Sequence[APIRoute], refusals: Mapping[type[Exception], Answer]) -> None:
        self._app, self._refusals = app, refusals
        self._endpoints = {(method, r.path): r.endpoint for r in routes if _is_bare(r) for method in r.methods or ()}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        endpoint = self._endpoints.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        try:
            response: Response = await endpoint(request)
        except tuple(self._refusals) as error:
            refusal = next(answer for kind, answer in self._refusals.items() if isinstance(error, kind))
            response = await refusal(request, error)
        await response(scope, receive, send)


def _is_bare(route: APIRoute) -> bool:
    """Return whether the route posts to a path without parameters, and takes the request alone."""
    needs = route.dependant
    others = (needs.path_params, needs.query_params, needs.header_params, needs.cookie_params, needs.body_params)
    return route.methods == {"POST"} and needs.request_param_name is not None and not any((*others, needs.dependencies))
