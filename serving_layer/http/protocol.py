"""One connection: closed when its client neither sends nor reads on, or when others need its place."""

import asyncio
import json
import re
import resource
import socket
import struct
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adapters.telemetry.counting import count
from core.telemetry.families import SHED
from serving_layer.http.problems import MEDIA_TYPE, problem

HEADER_SECONDS = 10.0  # from the first byte to the last of a header; also to throw away what follows an early answer
UNREAD_SECONDS = 10.0  # within which a client must have read something of an answer that waits for it
SENT_BYTES = 64 * 1024  # of answers that the system buffers for a client that does not read them
MAX_CONNECTIONS = 1_000
BACKLOG = 64  # accepted in one go before the first of them is looked at
OTHER_FILES = 400  # for stores, log and answers
MAX_HEADER_BYTES = 64 * 1024  # of a request, and of what stands between two parts of a body
UNKNOWN_METHOD = re.compile(rb"([A-Z]{1,32}) [^ \r\n]+ HTTP/1\.[01]\r?\n")
MAX_PIPELINED = 100  # requests that a client may send before it has read the first one's answer
NOT_HTTP = "this is not an HTTP/1.1 request with one Host and a header of at most 64 KiB"
TWO_LENGTHS = "the header has both Content-Length and Transfer-Encoding: send one of them"


def most_connections() -> int:
    """Return how many connections may be open at once, so that this process never runs out of files to open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else soft - OTHER_FILES - 2 * BACKLOG
    return max(16, min(MAX_CONNECTIONS, room))


class NotHttp(Exception):
    """What came is not to be read as a request."""


class _UntilClosed:
    """A transport that drops what is written once it closes: an answer may be under way then, and uvloop raises."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        """Send the bytes unless the connection is closing."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Connection(HttpToolsProtocol):
    """uvicorn's, with limits of size and time for headers, of time for unread answers, and of open connections.

    When all places are taken, the one that has waited longest for its client gives way: a client that sends its
    request at once and reads the answer is served, however many others hold connections open without doing so.
    """

    header_seconds = HEADER_SECONDS
    unread_seconds = UNREAD_SECONDS
    most = MAX_CONNECTIONS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, if need be that of a connection whose client is waited for."""
        self.header_timer: asyncio.TimerHandle | None = None
        self.unread_timer: asyncio.TimerHandle | None = None
        self.in_header, self.moved, self.unparsed, self.header_bytes, self.method = False, False, 0, 0, ""
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_BYTES)
        super().connection_made(transport)
        self.transport = _UntilClosed(transport)  # type: ignore[assignment]
        self.waits_since = self.loop.time()
        if len(self.connections) > self.most:
            self._make_room()
        self._watch()

    def _make_room(self) -> None:
        waiting = [other for other in self.connections if isinstance(other, Connection) and other.waits_for_client]
        longest = min(waiting, key=lambda other: other.waits_since)  # this one is among them
        longest.logger.warning("Too many connections: one that waits for its client is closed.")
        count(SHED, "connections")
        longest.transport.abort()
        self.connections.discard(longest)  # it ends in the next round of the loop; others may come before

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the place."""
        self._forget_timer()
        self._forget_unread()
        super().connection_lost(exc)
        self.at_end()

    def at_end(self) -> None:
        """Do what a server that counts its connections sets here."""

    def data_received(self, data: bytes) -> None:
        """Take what has come, and see that the rest does."""
        before, self.moved = self.cycle, False
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade:
            pass  # offered by the client, not taken: the request is answered as it stands
        except (httptools.HttpParserError, NotHttp) as error:
            self.logger.warning("Invalid HTTP request received.")
            both = "Transfer-Encoding can't be present with Content-Length" in str(error)
            self.send_400_response(TWO_LENGTHS if both else NOT_HTTP)
            return
        if self.cycle is not before:
            self.waits_since = self.loop.time()
        self._watch()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserInvalidMethodError:
            named = UNKNOWN_METHOD.match(data)  # answered by 405, like any method that does not work
            if named is None or self.answering:
                raise
            self.parser, self.method = httptools.HttpRequestParser(self), named[1].decode()
            self.parser.feed_data(b"TRACE" + data[named.end(1) :])
        self.unparsed = 0 if self.moved else self.unparsed + len(data)
        if self.unparsed > MAX_HEADER_BYTES:  # the parser holds it all
            raise NotHttp

    def on_message_begin(self) -> None:
        """Begin a request's header."""
        self.in_header, self.moved, self.header_bytes = True, True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the path."""
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a line of the header; what follows a body's chunks is none of it."""
        self._count(name, value)
        if self.in_header:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer.

        Raises:
            NotHttp: of another version, without one Host, or too far ahead of the answers.
        """
        self.in_header, self.moved = False, True
        version, hosts = self.parser.get_http_version(), sum(name == b"host" for name, _ in self.headers)
        if version not in ("1.0", "1.1") or hosts > 1 or (version == "1.1" and not hosts):
            raise NotHttp
        if len(self.pipeline) >= MAX_PIPELINED:
            raise NotHttp
        super().on_headers_complete()
        if self.method:  # before the application sees the request, in the next round of the loop
            self.scope["method"], self.method = self.method, ""

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self.moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self.moved = True
        super().on_message_complete()

    def _count(self, *parts: bytes) -> None:
        self.header_bytes += sum(map(len, parts))
        if self.header_bytes > MAX_HEADER_BYTES:
            raise NotHttp

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.waits_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Hold back the rest of an answer until the client reads, and see that it does."""
        super().pause_writing()
        self.waits_since = self.loop.time()
        self._watch_unread()

    def resume_writing(self) -> None:
        """Write on."""
        self._forget_unread()
        super().resume_writing()

    @property
    def answering(self) -> bool:
        """Whether a request is being answered; its own limits hold then."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def waits_for_client(self) -> bool:
        """Whether the client has yet to send the rest of a request or to read an answer.

        One that sends further requests before it has read the last answer is not being waited for, but can be.
        """
        unread = self.flow.write_paused or self.flow.read_paused
        return not self.answering or unread or self.cycle.more_body

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

    def _watch_unread(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self.unread_timer = self.loop.call_later(self.unread_seconds, self._see_reading, unread)

    def _see_reading(self, unread: int) -> None:
        if self.transport.get_write_buffer_size() >= unread:
            reset = struct.pack("ii", 1, 0)  # linger for 0 s: what the system buffers for the client is freed, too
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            self.transport.abort()
        else:
            self._watch_unread()

    def _forget_unread(self) -> None:
        if self.unread_timer is not None:
            self.unread_timer.cancel()
            self.unread_timer = None

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request with a problem document, unless another answer has begun or waits."""
        if self.pipeline or (self.answering and self.cycle.response_started):
            self.transport.abort()
            return
        body = json.dumps(problem(400, msg)).encode()
        head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + head.encode() + body)
        self.transport.close()
