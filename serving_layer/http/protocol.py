"""One connection: closed when its header does not arrive, or when others need its place."""

import asyncio
import json
import logging
import resource
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving_layer.http.problems import MEDIA_TYPE, problem

HEADER_SECONDS = 10.0  # from the first byte to the last of a header; also to throw away what follows an early answer
MAX_CONNECTIONS = 1_000
BACKLOG = 64  # accepted in one go before the first of them is looked at
OTHER_FILES = 400  # for stores, log and answers
NOT_HTTP = "this is not an HTTP/1.1 request with a header of at most 16 kB"


def most_connections() -> int:
    """How many connections may be open at once, so that this process never runs out of files to open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else soft - OTHER_FILES - 2 * BACKLOG
    return max(16, min(MAX_CONNECTIONS, room))


class Connection(H11Protocol):
    """uvicorn's, with a limit of time for headers and of how many connections are open.

    When all places are taken, the one that has waited longest for a request gives way: a client that sends its
    request at once is served, however many others hold connections open without one.
    """

    header_seconds = HEADER_SECONDS
    most = MAX_CONNECTIONS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, if need be that of an idle connection."""
        self.header_timer: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self.opened_at = self.loop.time()
        if len(self.connections) > self.most:
            self._make_room()
        self._watch()

    def _make_room(self) -> None:
        idle = [each for each in self.connections if isinstance(each, Connection) and not each.answering]
        longest = min(idle, key=lambda each: each.opened_at)  # this one is among them
        longest.logger.warning("Too many connections: one without a request is closed.")
        longest.transport.abort()
        self.connections.discard(longest)  # it ends in the next round of the loop; others may come before

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the place."""
        self._forget_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and see that the rest does."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.opened_at = self.loop.time()
        super().on_response_complete()

    @property
    def answering(self) -> bool:
        """Whether a request is being answered; its own limits hold then."""
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        if self.answering or self.transport.is_closing():
            self._forget_timer()
        elif self.header_timer is None:
            self.header_timer = self.loop.call_later(self.header_seconds, self._too_slow)

    def _forget_timer(self) -> None:
        if self.header_timer is not None:
            self.header_timer.cancel()
            self.header_timer = None

    def _too_slow(self) -> None:
        self.header_timer = None
        if not self.answering and not self.transport.is_closing():
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request with a problem document, unless an answer has begun."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        body = json.dumps(problem(400, NOT_HTTP)).encode()
        headers: list[Any] = [
            ("content-type", MEDIA_TYPE), ("content-length", str(len(body))), ("connection", "close"),
        ]  # fmt: skip
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class Sparing(logging.Filter):
    """Lets through a few records of one message in a while, then one with how many were left out."""

    def __init__(self, most: int = 5, seconds: float = 10.0) -> None:
        super().__init__()
        self._most, self._seconds = most, seconds
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        key = (record.name, str(record.msg))
        began, count = self._seen.get(key, (record.created, 0))
        if record.created - began >= self._seconds:
            if count > self._most:
                record.msg = f"{record.msg} ({count - self._most:,} more like this were left out)"
            began, count = record.created, 0
        if len(self._seen) > 1_000:  # messages that differ each time
            self._seen.clear()
        self._seen[key] = (began, count + 1)
        return count < self._most
