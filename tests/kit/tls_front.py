"""TLS in front of a real server that was built without it: each connection is decrypted and passed on."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK_BYTES = 65_536


@contextmanager
def tls_front(server_port: int, certificate: Path, key: Path) -> Iterator[int]:
    """Provide a port of 127.0.0.1 that answers with that certificate, for the server at the other port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []
    accepting = threading.Thread(target=_accept, args=(listener, context, server_port, taken))
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        for opened in (listener, *taken):
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        accepting.join()


def _accept(listener: socket.socket, context: ssl.SSLContext, server_port: int, taken: list[socket.socket]) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        try:
            client = context.wrap_socket(plain, server_side=True)
        except OSError:  # a client that does not trust the certificate
            plain.close()
            continue
        server = socket.create_connection(("127.0.0.1", server_port))
        taken += (client, server)
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=_pass, args=(source, target), daemon=True).start()


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            target.sendall(chunk)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
