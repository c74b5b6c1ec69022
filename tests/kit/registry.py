"""A schema registry as a real HTTP server: of Confluent's interface, what readers ask for."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Registered:
    """The schemas by path; ``asked``: the paths in order, ``logins``: what came as authorization."""

    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def add(
        self, schema: str, form: str = "AVRO", references: Sequence[tuple[str, str, int]] = (), status: int = 200
    ) -> int:
        """Register a schema; returns its number. Another ``status`` than 200 is answered instead of it."""
        number = len(self.answers) + 1
        body: dict[str, Any] = {"schema": schema}
        if form != "AVRO":
            body["schemaType"] = form
        if references:
            names = ("name", "subject", "version")
            body["references"] = [dict(zip(names, reference, strict=True)) for reference in references]
        self.answers[f"/schemas/ids/{number}"] = (status, body)
        return number

    def subject(self, name: str, version: int, schema: str) -> None:
        """Register a schema to which others refer."""
        self.answers[f"/subjects/{name}/versions/{version}"] = (200, {"schema": schema})


@contextmanager
def registry() -> Iterator[Registered]:
    """A registry on a free port of this machine."""
    known = Registered()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append(self.path)
            known.logins.append(self.headers.get("Authorization", ""))
            status, body = known.answers.get(self.path.partition("?")[0], (404, {"error_code": 40403}))
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield known
        finally:
            server.shutdown()
            thread.join()
