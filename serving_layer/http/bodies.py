"""Bodies of requests: read whole before a request takes a turn, within limits of size, time and memory."""

import asyncio
from dataclasses import dataclass
from typing import Any

from adapters.telemetry.counting import count
from core.telemetry.families import SHED
from serving_layer.http.crowd import MOST_UNDER_WAY
from serving_layer.http.methods import App, Scope
from serving_layer.http.problems import refusal
from serving_layer.routes.multipart import FIELD, MULTIPART
from serving_layer.routes.pictures import MAX_UPLOAD_BYTES, MEDIA_TYPES
from serving_layer.routes.pictures import PATH as PICTURES

MAX_BODY_BYTES = 16 * 1024 * 1024
BODY_SECONDS = 30.0  # a body that has not arrived by then is given up
FREE_BYTES = 64 * 1024  # of each body: small ones are taken even when large ones hold all the memory
HELD_BYTES = 8 * MAX_BODY_BYTES  # of all bodies together, beyond the free ones
BODILESS = {"GET", "HEAD", "OPTIONS", "DELETE"}

TOO_LARGE = f"the body is larger than {MAX_BODY_BYTES:,} bytes: send fewer at a time"
TOO_SLOW = f"the body did not arrive within {BODY_SECONDS:g} s"
TOO_MANY = "too many large bodies are under way: send it again in a moment"
TOO_LARGE_PICTURE = f"the picture is larger than {MAX_UPLOAD_BYTES:,} bytes: make it smaller"
NOT_PICTURE = f"send the picture as {MULTIPART} with the field '{FIELD}', or as a body of {', '.join(MEDIA_TYPES)}"
NOT_JSON = "the body must be JSON: send the header 'Content-Type: application/json'"
COMPRESSED = "the body must be sent as it is: leave out compression and the header 'Content-Encoding'"


class Refused(Exception):
    """The body is not taken: a status and a sentence."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status, self.why = status, why


class ClientLeft(Exception):
    """The connection ended before the body did."""


@dataclass
class Limits:
    """What bodies may take, and how many requests may be under way; smaller in tests."""

    body_bytes: int = MAX_BODY_BYTES
    body_seconds: float = BODY_SECONDS
    held_bytes: int = HELD_BYTES
    under_way: int = MOST_UNDER_WAY


class Bodies:
    """Hands on requests with their whole body; refuses those that are too large, too slow, too many or not JSON."""

    def __init__(self, app: App, limits: Limits | None = None) -> None:
        self._app, self._limits = app, limits or Limits()
        self._held = 0

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] in BODILESS:
            await self._app(scope, receive, send)
            return
        body = _Body(pictured=scope.get("path") == PICTURES)
        try:
            _check_headers(dict(scope["headers"]), body, self._limits)
            async with asyncio.timeout(self._limits.body_seconds):
                await self._read(receive, body)
        except ClientLeft:
            self._held -= body.held
            return
        except (Refused, TimeoutError) as error:
            self._held -= body.held
            await _answer_to(error)(scope, receive, send)
            return
        try:
            await self._app(scope, _replayed(body, receive), send)
        finally:
            self._held -= body.held

    async def _read(self, receive: Any, body: "_Body") -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            body.take(message.get("body", b""))
            more = message.get("more_body", False)
            body.check(body.bytes, self._limits)
            beyond = max(0, body.bytes - FREE_BYTES) - body.held
            body.held += beyond
            self._held += beyond
            if beyond and self._held > self._limits.held_bytes:
                count(SHED, "large bodies")
                raise Refused(503, TOO_MANY)


class _Body:
    """What has come of a body; ``held``: how much of it counts against the limit of all. ``pictured``: a picture."""

    def __init__(self, pictured: bool) -> None:
        self.parts, self.bytes, self.held, self.pictured = list[bytes](), 0, 0, pictured

    def check(self, size: int, limits: Limits) -> None:
        """Raise Refused for a body of that many bytes, if it is too large."""
        if size > (min(limits.body_bytes, MAX_UPLOAD_BYTES) if self.pictured else limits.body_bytes):
            raise Refused(413, TOO_LARGE_PICTURE if self.pictured else TOO_LARGE)

    def take(self, part: bytes) -> None:
        self.parts.append(part)
        self.bytes += len(part)

    def given_away(self) -> bytes:
        """Return the whole and keep nothing of it: a large body is held once while it is answered."""
        whole = b"".join(self.parts)
        self.parts.clear()
        return whole


def _check_headers(headers: dict[bytes, bytes], body: _Body, limits: Limits) -> None:
    """Raise Refused for what the headers alone show to be wrong."""
    kind = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if body.pictured:
        if kind != MULTIPART and kind not in MEDIA_TYPES:
            raise Refused(415, NOT_PICTURE)
    elif kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refused(415, NOT_JSON)
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise Refused(415, COMPRESSED)
    body.check(int(headers.get(b"content-length", b"0")), limits)


def _answer_to(error: Exception) -> Any:
    if isinstance(error, Refused):
        return refusal(error.status, error.why, {"Retry-After": "1"} if error.status == 503 else None)
    return refusal(408, TOO_SLOW, {"Connection": "close"})


def _replayed(body: _Body, receive: Any) -> Any:
    """Return what the application reads instead of ``receive``: the body, then whatever comes."""
    given = False

    async def replay() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body.given_away(), "more_body": False}

    return replay
