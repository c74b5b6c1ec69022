"""A server that is handed its connections by the process that accepts for all (``adapters.machine.dealing``)."""

import asyncio
import socket
from typing import Any

import uvicorn

from adapters.machine.dealing import ENDED, LEAVES, READY, TAKEN
from adapters.telemetry.counting import count
from core.telemetry.families import SHED
from serving_layer.http.protocol import HEADER_SECONDS, Connection

HANDSHAKE_SECONDS = HEADER_SECONDS  # of TLS
AGAIN_SECONDS = 0.01  # before a report is sent again that the channel had no room for


class DealtServer(uvicorn.Server):
    """``channel``: brings connections, and takes reports of what became of them."""

    def __init__(self, config: uvicorn.Config, channel: socket.socket) -> None:
        super().__init__(config)
        self._channel, self._reports = channel, bytearray()
        self._connecting: dict[asyncio.Task[None], socket.socket] = {}  # in the order in which they came

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections once the application can answer."""
        self._channel.setblocking(False)
        await super().startup([])
        asyncio.get_running_loop().add_reader(self._channel, self._take)
        self._report(READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, and end; those that come nevertheless go to other workers."""
        asyncio.get_running_loop().remove_reader(self._channel)
        self._report(LEAVES)
        await super().shutdown([])

    def _take(self) -> None:
        while True:
            try:
                said, files, _, _ = socket.recv_fds(self._channel, 1, 1)
            except BlockingIOError:
                return
            except OSError:
                said, files = b"", []
            if not said:  # the process that accepts has ended
                asyncio.get_running_loop().remove_reader(self._channel)
                self.should_exit = True
                return
            self._report(TAKEN)
            if files:
                self._make_room()
                connection = socket.socket(fileno=files[0])
                task = asyncio.ensure_future(self._connect(connection))
                self._connecting[task] = connection
                task.add_done_callback(self._connected)
            else:  # this process may open no more files: the connection ends once the dealer lets go of it
                self._report(ENDED)

    def _make_room(self) -> None:
        """End the handshake that has taken longest where all places are taken: it holds a file like a connection."""
        if self.config.ssl and len(self._connecting) + len(self.server_state.connections) >= Connection.most:
            for task in self._connecting:
                if not task.cancelling():
                    count(SHED, "connections")
                    task.cancel()
                    return

    async def _connect(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        ssl = self.config.ssl
        seconds = HANDSHAKE_SECONDS if ssl else None
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(self._protocol, connection, ssl=ssl, ssl_handshake_timeout=seconds)

    def _connected(self, task: asyncio.Task[None]) -> None:
        connection = self._connecting.pop(task)
        if task.cancelled() or task.exception() is not None:  # its client has left, or speaks no TLS, or too slowly
            connection.close()
            self._report(ENDED)

    def _protocol(self) -> Any:
        protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        protocol.at_end = lambda: self._report(ENDED)  # type: ignore[attr-defined]
        return protocol

    def _report(self, what: bytes) -> None:
        if not self._reports:
            asyncio.get_running_loop().call_soon(self._send)
        self._reports += what

    def _send(self) -> None:
        try:
            del self._reports[: self._channel.send(self._reports)]
        except BlockingIOError:
            pass
        except OSError:  # nobody hears
            self._reports.clear()
        if self._reports:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._send)
