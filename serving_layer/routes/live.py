"""The stream of an open page: server-sent events, for as long as its key is valid and somebody listens."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from serving_layer.live.hub import BEAT_SECONDS, FRAME_SECONDS, Crowded, Hub, Listener
from serving_layer.routes.encoding import encoded

CROWDED = "too many pages are open at once: close one, or try again in a moment"
BODILESS = "millrace.bodiless"  # in a scope: the request is a HEAD, so that nothing would be read of a stream
HUB = "live"  # in the state of an application

api = APIRouter(prefix="/api/v1", tags=["state"])


@api.get("/live", include_in_schema=False)
async def get_live(request: Request) -> Response:
    """Return a stream of frames: the state, the figures of the last seconds, and what trends."""
    if request.scope.get(BODILESS):
        return Response(media_type="text/event-stream")
    hub: Hub = request.app.state.live
    try:
        listener = hub.join()
    except Crowded:
        raise HTTPException(503, CROWDED, {"Retry-After": "5"}) from None
    return EventStream(hub, listener, lambda: request.app.state.may_read(request.scope["headers"]))


class EventStream(Response):
    """The frames of one listener; it ends with the client, the server, or the validity of the key."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, listener: Listener, may_listen: Callable[[], bool]) -> None:
        super().__init__()
        self._hub, self._listener, self._may_listen = hub, listener, may_listen
        del self.headers["content-length"]
        self.headers["x-accel-buffering"] = "no"  # a proxy must not collect frames

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send frames until somebody ends it."""
        gone = asyncio.ensure_future(_left(receive, self._listener))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._sent(send, b"retry: 2000\n\n")
            while await self._has_news() and self._may_listen():
                frame = self._hub.frame_for(self._listener)
                await self._sent(send, b": \n\n" if frame is None else b"data: %b\n\n" % encoded(frame))
                await asyncio.sleep(FRAME_SECONDS)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._hub.part(self._listener)
            gone.cancel()

    async def _has_news(self) -> bool:
        """Wait for a frame, or so long that the client must hear something; return whether the stream continues."""
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                await self._listener.news.wait()
        except TimeoutError:
            return not self._listener.has_left
        if not self._listener.has_left:
            self._listener.news.clear()
        return not self._listener.has_left

    async def _sent(self, send: Any, body: bytes) -> None:
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _left(receive: Any, listener: Listener) -> None:
    """Note when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.leave()
