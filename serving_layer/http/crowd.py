"""How many requests may be under way at once: beyond, new ones are refused at once instead of waiting for long."""

from typing import Any

from adapters.telemetry.counting import count
from core.telemetry.families import SHED
from serving_layer.http.methods import App, Scope
from serving_layer.http.problems import refusal

MOST_UNDER_WAY = 500  # of one process: they wait for a store, for the broker, or for the views to hold something
ALWAYS = ("/health", "/api/v1/health", "/metrics")  # asked by those who watch, most of all when it is crowded
CROWDED = "too many requests are under way: send it again in a moment"


class Crowd:
    """Hands requests on while there is room; answers others with 503 and ``Retry-After``."""

    def __init__(self, app: App, most: int = MOST_UNDER_WAY) -> None:
        self._app, self._most, self._under_way = app, most, 0

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] in ALWAYS:
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._most:
            count(SHED, "requests")
            await refusal(503, CROWDED, {"Retry-After": "1"})(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
