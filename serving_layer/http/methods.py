"""Which route a request reaches, by the path as it was sent; settles HEAD, OPTIONS, 405 and unknown parameters."""

import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.responses import Response
from fastapi.routing import APIRoute

from serving_layer.http.problems import refusal
from serving_layer.routes.live import BODILESS
from serving_layer.routes.parameters import wrong_query

CONVENTIONAL = re.compile(
    "/api/(recommendations/[^/]+|trending|interactions|analytics/dashboard|users/[^/]+/profile)/?"
)
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
ROUTE = "millrace.route"  # in a scope: a list that holds the path of the route that answers


class Methods:
    """Routes by the undecoded path: an encoded slash is part of an id, and ``path_id`` decodes what it names."""

    def __init__(self, app: App, routes: Sequence[APIRoute]) -> None:
        self._app, self._routes = app, routes
        self._fixed = {route.path: self._matching(route.path) for route in routes if "{" not in route.path}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = canonical((scope.get("raw_path") or scope["path"].encode()).decode("latin-1"))
        scope = {**scope, "path": path, "raw_path": path.encode("latin-1")}
        by_method = self._fixed.get(path) or self._matching(path)
        method = scope["method"]
        if by_method and ROUTE in scope:
            scope[ROUTE][0] = next(iter(by_method.values())).path
        allow = {"Allow": ", ".join(sorted({*by_method, "OPTIONS"}))}
        if not by_method:
            answer: Response | None = refusal(404, "there is nothing at this path; /docs lists what there is")
        elif method == "OPTIONS":
            answer = Response(None, 204, allow)
        elif method not in by_method:
            answer = refusal(405, f"{method} does not work here: use {allow['Allow']}", allow)
        elif wrong := wrong_query(scope["query_string"], _known(by_method[method])):
            answer = refusal(422, wrong)
        else:
            answer = None
        if answer is not None:
            await answer(scope, receive, send)
            return
        # The server sends no body in answer to HEAD, whatever the route returns.
        await self._app({**scope, "method": "GET", BODILESS: True} if method == "HEAD" else scope, receive, send)

    def _matching(self, path: str) -> dict[str, APIRoute]:
        methods = {
            method: route for route in self._routes if route.path_regex.match(path) for method in route.methods or ()
        }
        return {**methods, "HEAD": methods["GET"]} if "GET" in methods else methods


def canonical(path: str) -> str:
    """Return the path under ``/api/v1`` of one that older clients use, such as ``/api/trending/``."""
    match = CONVENTIONAL.fullmatch(path)
    return path if match is None else f"/api/v1/{match[1]}"


def _known(route: APIRoute) -> list[str]:
    return sorted(_parameters(route.dependant), key=lambda name: name in ("at_least", "wait"))  # the others first


def _parameters(dependant: Dependant) -> list[str]:
    own = [parameter.alias for parameter in dependant.query_params]
    return own + [name for inner in dependant.dependencies for name in _parameters(inner)]
