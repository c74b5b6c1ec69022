"""Errors as RFC 9457 problem documents, and paths whose ids may hold an encoded slash."""

from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from core.fields import identifier
from schemas.errors import BadInput, LogUnavailable, MillraceError, NotReady, StoreUnavailable
from serving_layer.catalogue import NotFound
from serving_layer.ingest import Unprocessable

MEDIA_TYPE = "application/problem+json"
# The first kind that fits decides.
STATUSES: tuple[tuple[type[MillraceError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (Unprocessable, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BadInput, HTTPStatus.BAD_REQUEST),
    (NotReady, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (LogUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (MillraceError, HTTPStatus.INTERNAL_SERVER_ERROR),
)

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


def problem(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """A problem document; its type is the status alone."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": detail, **more}


def problem_of(error: MillraceError) -> dict[str, Any]:
    """What a client is told of an error of ours."""
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    rejected = error.rejected if isinstance(error, Unprocessable) else []
    return problem(status, str(error), **({"rejected": rejected} if rejected else {}))


class UndecodedPaths:
    """Routes by the path as it was sent: an encoded slash is part of an id, and ``path_id`` decodes what it names."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope.get("raw_path"):
            scope = {**scope, "path": scope["raw_path"].decode("latin-1")}
        await self._app(scope, receive, send)


def path_id(part: str) -> str:
    """The id in a part of such a path. Raises ValueError for what cannot be one."""
    try:
        found = identifier(unquote_to_bytes(part.encode("latin-1")).decode())
    except UnicodeError:
        found = None
    if found is None:
        raise ValueError("an id has 1 to 256 characters of percent-encoded UTF-8, none of them a control character")
    return found
