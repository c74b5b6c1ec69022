"""Lines of the log name the request that they are about, and its trace; so do the spans."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.concurrency import run_in_threadpool

from adapters.terminal.log_lines import JsonFormatter
from adapters.terminal.reporting import SERVICE_FORM, PlainFormatter
from adapters.tracing.tracer import Tracer
from serving_layer.http.exchange import Exchange
from serving_layer.http.methods import ROUTE, Scope
from serving_layer.http.traced import Traced
from serving_layer.reading.patience import Patience

TRACE = "0af7651916cd43dd8448eb211c80319c"
log = logging.getLogger("millrace.serving")


class Lines(logging.Handler):
    """What is logged, as both formats write it."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: list[dict[str, Any]] = []
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.objects.append(json.loads(JsonFormatter().format(record)))
        self.texts.append(PlainFormatter(SERVICE_FORM).format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


@pytest.fixture
def tracer() -> Iterator[Tracer]:
    made = Tracer("http://127.0.0.1:1/v1/traces", 0.0, "test")
    yield made
    made.close()


async def slow(scope: Scope, receive: Any, send: Any) -> None:
    """An application that logs on the loop, on a thread of the pool and on that of an answer."""
    log.warning("begins")
    await run_in_threadpool(Patience(60).attempt, lambda: log.warning("slow store=%s", "redis"))
    await send({"type": "http.response.start", "status": 200})


async def asked(app: Any, *headers: tuple[bytes, bytes]) -> None:
    async def unused(*_: Any) -> None:
        pass

    scope = {"type": "http", "method": "GET", "path": "/", "headers": list(headers), ROUTE: ["/x"]}
    await app(scope, unused, unused)


def test_each_line_of_a_request_has_its_id_and_that_of_its_trace(tracer: Tracer, lines: Lines) -> None:
    app = Exchange(Traced(slow, tracer))
    asyncio.run(asked(app, (b"x-request-id", b"r1"), (b"traceparent", f"00-{TRACE}-{'b' * 16}-01".encode())))
    assert [(line["request"], line["trace"]) for line in lines.objects] == [("r1", TRACE)] * 2
    assert lines.objects[1]["store"] == "redis"
    assert lines.texts[1].endswith(f"serving slow store=redis request=r1 trace={TRACE}")


def test_a_request_that_begins_while_another_is_answered_is_none_of_that_one(tracer: Tracer, lines: Lines) -> None:
    app = Exchange(Traced(slow, tracer))

    async def pipelined() -> None:  # a connection begins the next request from within the one before
        await asked(app, (b"x-request-id", b"r1"), (b"traceparent", f"00-{TRACE}-{'b' * 16}-01".encode()))
        await asked(app, (b"x-request-id", b"r2"))

    asyncio.run(pipelined())
    assert [(line["request"], line.get("trace")) for line in lines.objects[2:]] == [("r2", None)] * 2


def test_lines_of_nobodys_request_have_neither(lines: Lines) -> None:
    log.warning("away")
    assert lines.objects[0].keys() == {"time", "level", "part", "event", "process"}
    assert lines.texts[0].endswith("serving away")
