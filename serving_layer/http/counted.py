"""Counts and times every request that reaches the application, by its route and the status of its answer."""

import time
from typing import Any

from adapters.telemetry.counting import count, observe
from core.telemetry.families import REQUEST_SECONDS, REQUESTS
from serving_layer.http.methods import ROUTE, App, Scope

NO_ROUTE = "none"  # of a request for a path that does not exist, or that is refused before its path is looked at


class Counted:
    """Hands requests on; ``methods`` names the route in the scope's entry ``ROUTE``."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, route = time.perf_counter(), [NO_ROUTE]
        scope[ROUTE] = route

        async def counting(message: Any) -> None:
            if message["type"] == "http.response.start":
                count_request(route[0], message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counting)


def count_request(route: str, status: int, seconds: float) -> None:
    """Count a request that has been answered."""
    count(REQUESTS, route, str(status))
    observe(REQUEST_SECONDS, route, value=seconds)
