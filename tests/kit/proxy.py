"""A TCP proxy between a real client and a real server: slow, silent, trickling or gone, and back again."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK_BYTES = 65_536
TRICKLE_SECONDS = 0.05


class Proxy:
    """Listens on a port of 127.0.0.1 that stays its own; all is passed on until a test stops it.

    ``delay_seconds``: each answer comes so much later. ``silent``: answers are kept back. ``trickling``: answers come a
    byte at a time, so that no single wait of the client is long.
    """

    def __init__(self, server_port: int) -> None:
        self.delay_seconds, self.silent, self.trickling = 0.0, False, False
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._accepting()

    def well(self) -> None:
        """Return to passing everything on; open connections continue."""
        self.delay_seconds, self.silent, self.trickling = 0.0, False, False

    def down(self) -> None:
        """Connections break, new ones are refused."""
        _cut(self._listener)  # also out of the accept that waits on it
        for connection in list(self._open):
            _cut(connection)

    def up(self) -> None:
        """After ``down``: the server answers at its port again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accepting()

    def _accepting(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                for connection in (client, server):
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open |= {client, server}
                threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                if answers:
                    self._answer(target, chunk)
                else:
                    target.sendall(chunk)
        for connection in (source, target):
            self._open.discard(connection)
            _cut(connection)

    def _answer(self, target: socket.socket, chunk: bytes) -> None:
        while self.silent and target.fileno() >= 0:
            time.sleep(0.01)
        time.sleep(self.delay_seconds)
        while self.trickling and chunk:
            target.sendall(chunk[:1])
            chunk = chunk[1:]
            time.sleep(TRICKLE_SECONDS)
        target.sendall(chunk)


class Mute:
    """Passes bytes between clients and a server; once ``muted``, it throws the next answer away."""

    def __init__(self, port: int) -> None:
        self.muted = False
        self.thrown_away = 0
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += (client, server)
                threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                if answers and self.muted:
                    self.thrown_away += 1
                    self.muted = False
                else:
                    target.sendall(chunk)

    def close(self) -> None:
        for connection in self._sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextmanager
def proxy(server_port: int) -> Iterator[Proxy]:
    """One that is gone at the end."""
    started = Proxy(server_port)
    try:
        yield started
    finally:
        started.well()
        started.down()
