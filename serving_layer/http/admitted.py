"""Requests whose key, role and rate allow them (``serving_layer.access``); the others are refused before their body."""

from typing import Any

from serving_layer.access.admission import Admission, Headers, Refused, token_in
from serving_layer.access.roles import role_needed
from serving_layer.http.methods import App, Scope
from serving_layer.http.problems import refusal


class Admitted:
    """Refuses what its key does not allow: 401, 403, 429, and 503 while the keys are unknown."""

    def __init__(self, app: App, admission: Admission) -> None:
        self._app, self._admission = app, admission

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        key, app = None, self._app
        try:
            path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
            key = self._admission.key_for(token_in(scope["headers"]), role_needed(scope["method"], path))
            if key is not None and not self._admission.take(key):
                raise self._admission.too_many(key)
        except Refused as refused:
            app = refusal(refused.status, refused.why, refused.headers)
        await app(scope, receive, _with(self._admission.headers(key), send) if key else send)


def _with(headers: Headers, send: Any) -> Any:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *headers]}
        await send(message)

    return sending
