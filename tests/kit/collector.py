"""A collector of traces on a free port: takes OTLP over HTTP, and shows the spans that it was sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.kit.waiting import until


@dataclass(frozen=True)
class Received:
    """A span as the collector got it; ids as hexadecimal digits, times as epoch ns."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    about: dict[str, Any]
    links: list[tuple[str, str]]
    failed: bool


@dataclass
class Collector:
    """``spans``: all that came so far, in the order in which they ended."""

    endpoint: str
    refuses: bool = False
    spans: list[Received] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def of(self, trace: str) -> dict[str, Received]:
        """The spans of a trace by their names."""
        return {span.name: span for span in self.spans if span.trace == trace}

    def await_span(self, name: str, trace: str, seconds: float = 60) -> Received:
        """The first span of that name in the trace, once it is there."""
        until(lambda: name in self.of(trace), seconds, lambda: [(span.name, span.trace) for span in self.spans])
        return self.of(trace)[name]

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _values(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [_received(service, span) for span in scope.spans]


def _received(service: str, span: Any) -> Received:
    links = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]
    return Received(
        service, span.name, span.kind, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
        span.start_time_unix_nano, span.end_time_unix_nano, _values(span.attributes), links, span.status.code == 2,
    )  # fmt: skip


def _values(attributes: Any) -> dict[str, Any]:
    return {entry.key: getattr(entry.value, entry.value.WhichOneof("value")) for entry in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for the length of the block."""
    collector = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if collector.refuses:
                self.send_response(400)
            elif self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf":
                collector.take(body)
                self.send_response(200)
            else:
                self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
