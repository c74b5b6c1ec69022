"""``/metrics`` of a process without an HTTP server of its own, such as the speed layer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from adapters.telemetry.counting import all_numbers
from adapters.telemetry.exposition import text_of
from schemas.errors import SettingsError


class _Handler(BaseHTTPRequestHandler):
    timeout = 10.0  # a client that sends nothing

    def do_GET(self) -> None:
        """Answer ``/metrics``, and ``/health`` for probes."""
        if self.path == "/health":
            self._answer(200, b"alive\n", "text/plain; charset=utf-8")
        elif self.path.partition("?")[0] == "/metrics":
            text, media_type = text_of(all_numbers(), accept=self.headers.get("Accept") or "")
            self._answer(200, text, media_type)
        else:
            self._answer(404, b"/metrics and /health are here\n", "text/plain; charset=utf-8")

    def _answer(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Log nothing: a scrape every few seconds is no event."""


@contextmanager
def shown_at(host: str, port: int) -> Iterator[int]:
    """Serve this process's metrics during the block, on that port; 0: on none. Yields the port.

    Raises:
        SettingsError: the port cannot be taken.
    """
    if port == 0:
        yield 0
        return
    try:
        server = ThreadingHTTPServer((host, port), _Handler)
    except OSError as error:
        raise SettingsError(
            f"metrics cannot be served on {host}:{port} ({error.strerror}): name another port in MILLRACE_METRICS_PORT"
        ) from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(1)
