"""What spans say and whose they are, at a real collector; a collector that does not answer costs nothing."""

import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from adapters.stores import open_store
from adapters.stores.port import Book
from adapters.tracing import active, sending
from adapters.tracing.active import Answered, traced
from adapters.tracing.tracer import MOST_LINKS, Arrival, Commit, Tracer, describe, id_of
from schemas.errors import SettingsError
from tests.kit.collector import Collector, collecting

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{SPAN}-01".encode()
UNSAMPLED = f"00-{TRACE}-{SPAN}-00".encode()
PARENT = b"traceparent"


@contextmanager
def tracing(sample: float = 1.0) -> Iterator[tuple[Tracer, Collector]]:
    """The tracer of this process, and its collector."""
    with pytest.MonkeyPatch.context() as patch, collecting() as collector:
        patch.setattr(sending, "EVERY_SECONDS", 0.02)
        with traced(collector.endpoint, sample, "test"):
            tracer = active.active()
            assert tracer is not None
            yield tracer, collector


def test_a_request_is_part_of_the_trace_that_its_client_names() -> None:
    with tracing(sample=0.0) as (tracer, collector):
        with tracer.request(tracer.asked([(PARENT, SAMPLED), (b"tracestate", b"a=1")]), "GET") as span:
            assert id_of(span) == TRACE
            describe(span, Answered("GET", "/api/v1/trending", 200, "r1"))
        got = collector.await_span("GET /api/v1/trending", TRACE)
    assert (got.service, got.kind, got.parent, got.failed) == ("millrace-test", 2, SPAN, False)
    assert got.about == {
        "http.request.method": "GET", "http.route": "/api/v1/trending", "http.response.status_code": 200,
        "millrace.request_id": "r1",
    }  # fmt: skip


def test_a_client_decides_whether_it_is_traced_and_chance_only_where_none_does() -> None:
    with tracing() as (tracer, _):
        assert tracer.asked([(PARENT, UNSAMPLED)]) is None
        assert tracer.asked([]) is not None
    with closing(Tracer("http://127.0.0.1:1/v1/traces", 0.25, "test", iter([0.3, 0.2]).__next__)) as tracer:
        assert tracer.asked([(b"accept", b"*/*")]) is None
        assert tracer.asked([(b"accept", b"*/*")]) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        b"", b"x", SAMPLED + b"-more", SAMPLED.upper(), SAMPLED[:-1], b"ff" + SAMPLED[2:], "ö".encode(), b"\xff" * 600,
        SAMPLED.replace(TRACE.encode(), b"0" * 32), SAMPLED.replace(SPAN.encode(), b"0" * 16), SAMPLED * 40,
    ],
)  # fmt: skip
def test_a_header_that_says_no_trace_counts_as_none(wrong: bytes) -> None:
    with closing(Tracer("http://127.0.0.1:1/v1/traces", 0.0, "test")) as tracer:
        assert tracer.asked([(PARENT, wrong)]) is None
        assert tracer.asked([(PARENT, SAMPLED), (PARENT, SAMPLED)]) is None
        assert tracer.asked([(PARENT, SAMPLED), (b"tracestate", b"=,;" * 5_000)]) is not None


def test_calls_of_stores_are_steps_of_the_request_and_show_a_failure_by_its_class(tmp_path: Path) -> None:
    with tracing() as (tracer, collector), closing(open_store(f"sqlite:///{tmp_path}/views.sqlite")) as store:
        store.record(Book("speed"))  # nobody asked
        with tracer.request(tracer.asked([(PARENT, SAMPLED)]), "GET"):
            store.read(Book("generation/7"), "norms", [b"a"])
            with pytest.raises(ZeroDivisionError), active.store_call("sqlite", "speed", "put"):
                raise ZeroDivisionError("secret")
        read, whole = (collector.await_span(name, TRACE) for name in ("read generation", "GET"))
        failed = collector.of(TRACE)["put speed"]
    assert read.parent == failed.parent == whole.id
    assert read.about["db.system.name"] == "sqlite"
    assert (read.failed, failed.failed) == (False, True)
    assert b"secret" not in b"".join(collector.bodies)
    assert {span.name for span in collector.spans} == {"read generation", "put speed", "GET"}


def test_records_carry_the_trace_of_the_request_that_sends_them_and_of_no_other() -> None:
    with tracing() as (tracer, collector):
        with active.sending("events") as headers:
            assert headers == []
        with tracer.request(None, "POST"), active.sending("events") as headers:
            assert headers == []
        with tracer.request(tracer.asked([(PARENT, SAMPLED)]), "POST"), active.sending("events") as headers:
            carried = dict(headers)
        sent = collector.await_span("send events", TRACE)
    assert carried == {"traceparent": f"00-{TRACE}-{sent.id}-01".encode()}
    assert sent.kind == 4


def arrival(number: int, headers: dict[str, bytes | None]) -> Arrival:
    return Arrival(number % 4, number, 1_000 + number, headers)


def test_a_commit_is_linked_with_some_of_the_traces_that_it_made_visible_and_is_a_span_in_each() -> None:
    ms = 1_000_000
    commit = Commit(1_000 * ms, 5_000 * ms, [("plan", 1_000 * ms, 1_500 * ms), ("commit", 4_000 * ms, 5_000 * ms)], 3)
    others = [f"00-{number:032x}-{number:016x}-01".encode() for number in range(1, 2 * MOST_LINKS)]
    with tracing() as (tracer, collector):
        arrivals = [
            arrival(7, {"traceparent": SAMPLED}),
            arrival(8, {"traceparent": SAMPLED}),
            arrival(9, {"x": b"\xff"}),
        ]
        assert tracer.committed(commit, [*arrivals, arrival(10, {"traceparent": UNSAMPLED})]) == 1
        visible = collector.await_span("visible", TRACE)
        whole = next(span for span in collector.spans if span.name == "commit events")
        steps = collector.of(whole.trace)
        assert (
            tracer.committed(commit, [arrival(n, {"traceparent": other}) for n, other in enumerate(others)])
            == MOST_LINKS
        )
        assert tracer.committed(commit, []) == 0
    assert (visible.parent, visible.links) == (SPAN, [(whole.trace, whole.id)])
    assert (visible.began, visible.ended, visible.about["messaging.kafka.offset"]) == (1_008 * ms, 5_000 * ms, 8)
    assert (whole.parent, whole.links, whole.about) == ("", [(TRACE, SPAN)], {"millrace.events": 3})
    assert steps.keys() == {"commit events", "plan", "commit"}
    assert {steps[name].parent for name in ("plan", "commit")} == {whole.id}
    assert (steps["plan"].began, steps["plan"].ended) == (1_000 * ms, 1_500 * ms)


def test_a_collector_that_never_answers_holds_up_neither_spans_nor_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sending, "EXPORT_SECONDS", 100.0)
    monkeypatch.setattr(sending, "STOP_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tracer = Tracer(f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces", 1.0, "test")
        for _ in range(3 * sending.MOST_WAITING):
            with tracer.request(tracer.asked([]), "GET"):
                pass
        ending = threading.Thread(target=tracer.close)
        ending.start()
        ending.join(60)
        assert not ending.is_alive()
    assert not caplog.records


def test_a_collector_that_goes_away_and_comes_back_is_reported_once_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with collecting() as collector:
        reported = sending.Reported(collector.endpoint)
        for collector.refuses in (False, True, True, False, False):
            reported.export([])
        reported.shutdown()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert collector.endpoint in caplog.text


def test_without_the_packages_of_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    monkeypatch.delitem(sys.modules, "adapters.tracing.tracer", raising=False)
    monkeypatch.delitem(sys.modules, "adapters.tracing.sending", raising=False)
    with (
        pytest.raises(SettingsError, match=r"pip install 'millrace\[tracing\]'"),
        traced("http://a:1/v1/traces", 1.0, "t"),
    ):
        pass
