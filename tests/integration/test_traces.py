"""One request's trace, at a real collector: a lookup to its store reads, a click to the commit that made it visible."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from httpx import Client

from adapters.engine.session import open_session
from adapters.settings import Settings
from adapters.tracing import sending
from adapters.tracing.active import traced
from speed_layer import traced as traced_commits
from tests.kit.collector import Collector, collecting
from tests.kit.installation import Installation, installation
from tests.kit.serving import fill, serving
from tests.kit.waiting import until

HISTORY = "GET /api/v1/users/{user_id}/history"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """One that this process sends its traces to, by request of the client alone."""
    monkeypatch.setattr(sending, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(traced_commits, "LOOK_SECONDS", 0.05)
    with collecting() as made, traced(made.endpoint, 0.0, "test"):
        yield made


def asked() -> tuple[str, dict[str, str]]:
    """A new trace, and the header that names it."""
    trace = secrets.token_hex(16)
    return trace, {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}


def test_a_lookup_shows_its_reads_of_stores_and_none_when_memory_answers(tmp_path: Path, collector: Collector) -> None:
    world = fill(tmp_path / "shop")
    with serving(Settings.of(home=tmp_path / "shop", kafka="127.0.0.1:1")) as api:
        until(lambda: api.get("/trending").status_code == 200)
        first, headers = asked()
        request_id = api.get("/users/newcomer/history", headers=headers).headers["X-Request-Id"]
        whole = collector.await_span(HISTORY, first)
        second, headers = asked()
        api.get("/users/newcomer/history", headers=headers)
        collector.await_span(HISTORY, second)
        third, headers = asked()
        assert api.get("/items/nothing/similar", headers=headers).status_code == 404
        missing = collector.await_span("GET /api/v1/items/{item_id}/similar", third)
    world.batch.close()
    world.speed.close()
    assert (whole.about["http.response.status_code"], whole.about["millrace.request_id"]) == (200, request_id)
    assert (missing.about["http.response.status_code"], missing.failed) == (404, False)
    reads = [span for span in collector.spans if span.trace == first and span.about.get("db.system.name") == "sqlite"]
    assert {"read generation", "read speed"} & {span.name for span in reads}
    assert all(span.parent == whole.id and whole.began <= span.began <= span.ended for span in reads)
    assert collector.of(second).keys() == {HISTORY}
    assert not [span for span in collector.spans if span.trace not in (first, second, third)]  # none asked for one
    assert b"newcomer" not in b"".join(collector.bodies)


@contextmanager
def shop_of(engine: str, bootstrap: str, home: Path) -> Iterator[Installation]:
    spark = open_session(Settings(home=home / "spark"), "millrace tests") if engine == "spark" else None
    made = installation(spark, bootstrap, {}, home, speed_engine=engine)
    try:
        yield made
    finally:
        made.close()
        if spark is not None:
            spark.stop()


def clicks(api: Client, headers: dict[str, str]) -> dict[str, int]:
    """Post two events of one user; returns the positions."""
    events = [{"event_id": f"e{n}", "kind": "click", "user_id": "u", "item_id": f"i{n}"} for n in range(2)]
    answer = api.post("/interactions", json=events, headers=headers)
    assert answer.status_code == 202, answer.text
    positions: dict[str, int] = answer.json()["positions"]
    return positions


@pytest.mark.kafka
@pytest.mark.parametrize("engine", ["local", pytest.param("spark", marks=[pytest.mark.spark, pytest.mark.deep])])
def test_a_clicks_trace_leads_from_the_post_to_the_commit_that_made_it_visible(
    engine: str, kafka_bootstrap: str, tmp_path: Path, collector: Collector
) -> None:
    with shop_of(engine, kafka_bootstrap, tmp_path) as shop, shop.streaming(), serving(shop.settings) as api:
        until(lambda: api.post("/users", json={"user_id": "first"}).status_code == 202)
        trace, headers = asked()
        ((partition, after),) = clicks(api, headers).items()
        visible = collector.await_span("visible", trace)
        assert api.get("/users/u/history").json()["items"][0]["item_id"] == "i1"
        untraced = clicks(api, {})
        until(lambda: shop.position.offsets[int(partition)] == untraced[partition])
        records = list(shop.log.messages(shop.log.topics.events, shop.log.start_offsets(), shop.log.end_offsets()))
        shop.check_all_is_applied()
    spans = collector.of(trace)
    posted, sent = spans["POST /api/v1/interactions"], spans[f"send {shop.log.topics.events}"]
    assert (sent.parent, visible.parent) == (posted.id, sent.id)
    assert visible.about["messaging.destination.partition.id"] == partition
    assert visible.about["messaging.kafka.offset"] == after - 1
    (commit,) = [span for span in collector.spans if span.name == "commit events"]
    assert visible.links == [(commit.trace, commit.id)]
    assert commit.links == [(trace, sent.id)]
    assert commit.ended == visible.ended >= posted.began
    steps = [span for span in collector.spans if span.parent == commit.id]
    assert {span.name for span in steps} == {"plan", "register", "compute", "commit"}
    carried = [dict(record.headers() or []) for record in records]
    assert carried == [{"traceparent": f"00-{trace}-{sent.id}-01".encode()}] * 2 + [{}] * 2
    assert [json.loads(record.value() or b"")["event_id"] for record in records] == ["e0", "e1"] * 2
    assert time.time_ns() > commit.ended
