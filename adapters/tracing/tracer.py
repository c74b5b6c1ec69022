"""Spans of requests, of their steps, and of the micro-batch that made events visible (W3C Trace Context, OTLP).

Nothing here names a user, an item or a query: spans say routes, stores and numbers.
"""

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adapters.tracing.active import Answered
from adapters.tracing.sending import sender, stop

PARENT, STATE = "traceparent", "tracestate"
MOST_STATE_BYTES = 512  # what the standard asks everybody to pass on
MOST_LINKS = 32  # of a micro-batch with traces of requests
METHODS = {"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT"}
Headers = Iterable[tuple[bytes, bytes]]
Attributes = Mapping[str, str | int]
_FORMAT = TraceContextTextMapPropagator()


@dataclass(frozen=True)
class Arrival:
    """A record of the log that carries a trace: its place, Kafka timestamp (epoch ms) and headers."""

    partition: int
    offset: int
    timestamp: int
    headers: Mapping[str, bytes | None]


@dataclass(frozen=True)
class Commit:
    """A committed micro-batch. ``phases``: name, begin and end; all times are epoch ns."""

    began: int
    ended: int
    phases: Sequence[tuple[str, int, int]]
    events: int


class Tracer:
    """Makes the spans of one process. ``draw``: a number from 0 to 1 decides whether a request is traced."""

    def __init__(
        self, endpoint: str, sample: float, part: str, draw: Callable[[], float] = random.random
    ) -> None:  # fmt: skip
        self._sample, self._draw = sample, draw
        resource = Resource.create({"service.name": f"millrace-{part}"})
        self._provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False)
        self._sender = sender(endpoint)
        self._provider.add_span_processor(self._sender)
        self._tracer = self._provider.get_tracer("millrace")

    def close(self) -> None:
        """Send what waits, for a moment at most, and end."""
        stop(self._sender)

    def asked(self, headers: Headers) -> Context | None:
        """Return the context of a request that is traced, else None: as its ``traceparent`` says, or by chance."""
        given = [(name, value) for name, value in headers if name in (b"traceparent", b"tracestate")]
        parents = [value for name, value in given if name == b"traceparent"]
        if len(parents) == 1:
            context = _context(parents[0], b",".join(value for name, value in given if name == b"tracestate"))
            if context is not None:
                return context if _of(context).trace_flags.sampled else None
        return Context() if self._draw() < self._sample else None

    @contextmanager
    def request(self, context: Context | None, method: str) -> Iterator[Span]:
        """Make a span of a request during the block; ``context`` None: none, whatever is traced around it."""
        if context is None:
            token = attach(Context())
            try:
                yield trace.INVALID_SPAN
            finally:
                detach(token)
            return
        with self._tracer.start_as_current_span(
            method, context, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            yield span

    def answered(self, context: Context, seconds: float, answered: Answered) -> None:
        """Make the span of a request whose answer, given just now, took ``seconds``."""
        began = time.time_ns() - int(seconds * 1e9)
        span = self._tracer.start_span(answered.method, context, SpanKind.SERVER, start_time=began)
        describe(span, answered)
        span.end()

    def store_call(self, store: str, book: str, operation: str) -> AbstractContextManager[None]:
        """Return a block that is a call of a view store."""
        about = {"db.system.name": store, "db.collection.name": book, "db.operation.name": operation}
        return self._step(f"{operation} {book}", SpanKind.CLIENT, about)

    @contextmanager
    def sending(self, topic: str) -> Iterator[list[tuple[str, bytes]]]:
        """Return a block that sends records to the log, and the headers by which they carry the trace under way."""
        about: Attributes = {
            "messaging.system": "kafka", "messaging.operation.type": "send", "messaging.destination.name": topic,
        }  # fmt: skip
        with self._step(f"send {topic}", SpanKind.PRODUCER, about):
            carrier: dict[str, str] = {}
            if trace.get_current_span().is_recording():
                _FORMAT.inject(carrier)
            yield [(name, value.encode()) for name, value in carrier.items()]

    @contextmanager
    def _step(self, name: str, kind: SpanKind, attributes: Attributes) -> Iterator[None]:
        """Make a span of the block, if the request around it has one; an error shows by its class alone."""
        if not trace.get_current_span().is_recording():
            yield
            return
        with self._tracer.start_as_current_span(
            name, None, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def committed(self, commit: Commit, arrivals: Iterable[Arrival]) -> int:
        """Make the span of a micro-batch, linked with the traces of those records, and one in each of these traces.

        None at all where no record carries a sampled trace. Returns how many traces there are.
        """
        linked: dict[tuple[int, int], tuple[Context, Arrival]] = {}
        for arrival in arrivals:
            if len(linked) == MOST_LINKS:
                break
            context = _context(arrival.headers.get(PARENT) or b"", arrival.headers.get(STATE) or b"")
            if context is not None and (sender := _of(context)).trace_flags.sampled:
                linked[sender.trace_id, sender.span_id] = context, arrival
        if linked:
            self._commit_spans(commit, linked.values())
        return len(linked)

    def _commit_spans(self, commit: Commit, linked: Collection[tuple[Context, Arrival]]) -> None:
        start = self._tracer.start_span
        links = [Link(_of(context), _place(arrival)) for context, arrival in linked]
        whole = start(
            "commit events", Context(), SpanKind.CONSUMER, {"millrace.events": commit.events}, links, commit.began
        )
        inside = trace.set_span_in_context(whole, Context())
        for name, began, ended in commit.phases:
            start(name, inside, start_time=began).end(ended)
        whole.end(commit.ended)
        link = Link(whole.get_span_context())
        for context, arrival in linked:
            began = min(arrival.timestamp * 1_000_000, commit.ended)
            start("visible", context, SpanKind.CONSUMER, _place(arrival), [link], began).end(commit.ended)


def describe(span: Span, answered: Answered) -> None:
    """Name a request's span by its method and its route, and say what became of it."""
    method = answered.method if answered.method in METHODS else "_OTHER"
    span.update_name(f"{method} {answered.route}")
    about = {"http.request.method": method, "http.route": answered.route, "millrace.request_id": answered.request_id}
    span.set_attributes({**about, "http.response.status_code": answered.status})
    if answered.status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def id_of(span: Span) -> str | None:
    """Return the id of the span's trace, as logs show it; None for the span of what is not traced."""
    named = span.get_span_context()
    return trace.format_trace_id(named.trace_id) if named.is_valid else None


def _context(parent: bytes, state: bytes) -> Context | None:
    """Return the context that headers of the standard say; None where they say none."""
    try:
        carrier = {PARENT: parent.decode("ascii")}
        if len(state) <= MOST_STATE_BYTES:
            carrier[STATE] = state.decode("ascii")
    except UnicodeDecodeError:
        return None
    context = _FORMAT.extract(carrier, Context())
    return context if _of(context).is_valid else None


def _of(context: Context) -> SpanContext:
    return trace.get_current_span(context).get_span_context()


def _place(arrival: Arrival) -> dict[str, str | int]:
    return {
        "messaging.destination.partition.id": str(arrival.partition),
        "messaging.kafka.offset": arrival.offset,
    }  # fmt: skip
