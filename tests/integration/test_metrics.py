"""``/metrics`` shows what was answered, what was posted and how the installation is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Client
from prometheus_client.parser import text_string_to_metric_families

from adapters.log.kafka_log import Log
from adapters.settings import Settings
from adapters.telemetry.counting import all_numbers
from core.telemetry.families import FAMILIES
from serving_layer.answers.measures import MEASURED, MEASURES
from tests.kit.installation import installation
from tests.kit.mixed_stream import mixed_stream
from tests.kit.serving import client, fill, serving, settings
from tests.kit.waiting import until

__all__ = ["client", "settings"]  # fixtures

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(client: Client) -> Samples:
    """Every sample of a scrape by its name and labels."""
    answer = client.get(f"http://{client.base_url.host}:{client.base_url.port}/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    """One sample; 0 where there is none."""
    return samples.get((name, frozenset(labels.items())), 0.0)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of the API over the small shop, whose log does not answer."""
    home = tmp_path_factory.mktemp("shop")
    world = fill(home)
    with serving(Settings.of(home=home, kafka="127.0.0.1:1")) as api:
        until(lambda: api.get("/trending").status_code == 200)
        yield api
    world.batch.close()
    world.speed.close()


def test_answers_are_counted_by_route_status_source_and_what_they_lack_whichever_way_they_are_given(
    shop: Client,
) -> None:
    before = scraped(shop)
    plain = shop.get("/recommendations/u3?n=4").json()
    shop.get("/recommendations/u3?n=4&include_seen=false")  # this parameter takes the route
    shop.get("/items/nothing/similar")
    shop.get("/recommendations/u3?offest=1")
    shop.get("/no/such/path")
    after = scraped(shop)

    def more(name: str, **labels: str) -> float:
        return of(after, name, **labels) - of(before, name, **labels)

    recommendations = "/api/v1/recommendations/{user_id}"
    assert more("millrace_http_requests_total", route=recommendations, status="200") == 2
    assert more("millrace_http_requests_total", route=recommendations, status="422") == 1
    assert more("millrace_http_requests_total", route="/api/v1/items/{item_id}/similar", status="404") == 1
    assert more("millrace_http_requests_total", route="none", status="404") == 1
    assert more("millrace_http_request_seconds_count", route=recommendations) == 3
    assert more("millrace_answers_total", degraded="none") == 2
    first = plain["items"][0]["source"]
    assert more("millrace_recommended_items_total", source=first) >= 2
    listed = {key: value - before.get(key, 0) for key, value in after.items() if "recommended" in key[0]}
    assert sum(listed.values()) == 2 * len(plain["items"])


def test_the_state_is_shown_even_where_the_log_does_not_answer(shop: Client) -> None:
    samples: Samples = {}

    def known() -> bool:
        samples.update(scraped(shop))
        return of(samples, "millrace_state_known") == 1

    until(known)
    status = {name: value for (name, labels), value in samples.items() if not labels}
    assert status["millrace_events"] == 200
    assert status["millrace_generation_age_seconds"] >= 0
    assert status["millrace_segments"] >= 1
    assert status["millrace_speed_alive"] == 0
    assert of(samples, "millrace_degraded", part="log") == 1
    assert sum(value for (name, _), value in samples.items() if name == "millrace_applied_offset") == 200
    assert "millrace_freshness_seconds" not in status


def test_every_sample_belongs_to_a_family_of_the_tables(shop: Client) -> None:
    known = {*FAMILIES, MEASURED.name, *(family.name for family, _ in MEASURES)}
    endings = ("_bucket", "_count", "_sum")
    for name, _ in scraped(shop):
        stem = next((name.removesuffix(ending) for ending in endings if name.endswith(ending)), name)
        assert {name, stem} & known, name


def test_metrics_take_no_parameter_and_only_get(shop: Client) -> None:
    url = f"http://{shop.base_url.host}:{shop.base_url.port}/metrics"
    assert shop.get(f"{url}?x=1").status_code == 422
    assert shop.post(url).status_code == 405


@pytest.mark.kafka
def test_posted_records_are_counted_once_acknowledged_and_refused_ones_by_reason(client: Client, log: Log) -> None:
    before = scraped(client)
    good = {"kind": "view", "user_id": "u", "item_id": "i", "event_id": "same"}
    assert client.post("/interactions", json=[good, good, {"kind": "view", "user_id": "u"}]).status_code == 202
    after = scraped(client)

    def more(name: str, **labels: str) -> float:
        return of(after, name, **labels) - of(before, name, **labels)

    for result in ("accepted", "duplicate", "rejected"):
        assert more("millrace_posted_records_total", topic="events", result=result) == 1
    assert more("millrace_posted_rejected_total", topic="events", reason="missing:item_id") == 1
    assert more("millrace_append_seconds_count") == 1
    lag = [value for (name, _), value in after.items() if name == "millrace_lag_events"]
    assert len(lag) == 4


@pytest.mark.kafka
def test_the_speed_layer_counts_and_times_what_it_commits(kafka_bootstrap: str, tmp_path: Path) -> None:
    shop = installation(None, kafka_bootstrap, {}, tmp_path, speed_engine="local")
    shop.produce(mixed_stream(shop.settings.rules))
    before = all_numbers()
    job = shop.speed()

    def more(name: str, *labels: str) -> float:
        """The count of a histogram or the value of a counter."""
        was, cells = before.get((name, labels)), all_numbers()[name, labels]
        return sum(cells[:-1] or cells) - (0 if was is None else sum(was[:-1] or was))

    assert more("millrace_speed_events_total", "accepted") == job.progress.events > 0
    assert more("millrace_speed_events_total", "rejected") == job.progress.rejected > 0
    assert more("millrace_speed_micro_batches_total") == job.progress.batches
    assert more("millrace_speed_delay_seconds") == job.progress.batches
    for phase in ("plan", "register", "compute", "commit"):
        assert more("millrace_speed_phase_seconds", phase) == job.progress.batches
    assert more("millrace_store_seconds", "sqlite", "speed", "put") > 0
    shop.close()
