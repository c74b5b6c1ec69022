"""Requests with their traces: a span for each that is traced, whose id the log's lines of the request carry."""

from typing import Any

from adapters.terminal.log_lines import about_this
from adapters.tracing.active import Answered
from adapters.tracing.tracer import Tracer, describe, id_of
from serving_layer.http.methods import ROUTE, App, Scope


class Traced:
    """Hands requests on, in the trace that their ``traceparent`` names or in one of their own."""

    def __init__(self, app: App, tracer: Tracer) -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, method = 500, scope["method"]

        async def noting(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracer.request(self._tracer.asked(scope["headers"]), method) as span:
            if (trace := id_of(span)) is not None:
                about_this(trace=trace)
            try:
                await self._app(scope, receive, noting)
            finally:
                if span.is_recording():
                    describe(span, Answered(method, scope[ROUTE][0], status, scope["request_id"]))
