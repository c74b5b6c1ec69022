"""What every answer carries beside its body: the request's id, what caches may do, and how safe browsers treat it."""

import itertools
import os
import re
from typing import Any

from adapters.terminal.log_lines import about_this
from serving_layer.http.methods import App, Scope

REQUEST_ID = b"x-request-id"
_GIVEN = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}")
_PROCESS, _NUMBERS = os.urandom(6).hex().encode(), itertools.count()
NOT_CACHED = (b"cache-control", b"no-store")  # answers are personal, and new each second
EXPOSED = (
    "X-Request-Id", "Millrace-Generation", "Millrace-Prefix", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining",
    "RateLimit-Reset", "RateLimit-Policy",
)  # fmt: skip


def safe_headers(style: str, tls: bool) -> list[tuple[str, str]]:
    """Return the headers of every answer: nobody frames it, guesses its type or learns where a reader came from.

    Args: style: the hash of the one style sheet within a page.      tls: whether it is spoken.
    """
    rules = f"default-src 'none'; script-src 'self'; style-src 'self' '{style}'; img-src 'self' data:; "
    rules += "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    headers = [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("content-security-policy", rules),
    ]
    return [*headers, ("strict-transport-security", "max-age=31536000")] if tls else headers


def request_id(given: bytes | None) -> bytes:
    """Return the id that the client gave, if it can be one, else a new one."""
    if given is not None and _GIVEN.fullmatch(given):
        return given
    return b"%b-%x" % (_PROCESS, next(_NUMBERS))


class Exchange:
    """Gives each request its id, which its answer names, and each answer a rule for caches."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = request_id(next((value for name, value in scope["headers"] if name == REQUEST_ID), None))

        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", []), (REQUEST_ID, own)]
                if all(name != NOT_CACHED[0] for name, _ in headers):
                    headers.append(NOT_CACHED)
                message = {**message, "headers": headers}
            await send(message)

        scope["request_id"] = own.decode()
        about_this(anew=True, request=scope["request_id"])
        await self._app(scope, receive, marked)
