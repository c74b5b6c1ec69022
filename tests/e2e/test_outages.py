"""A speed layer whose stores or log go away says so, waits, and continues by itself where it was."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from adapters.broker.embedded import embedded_broker, wait_until_stopped
from tests.kit.installation import Installation, installation
from tests.kit.killable import kill_broker
from tests.kit.mixed_stream import in_parts, mixed_stream
from tests.kit.proxy import Proxy, proxy
from tests.kit.servers import new_database
from tests.kit.waiting import until

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.redis, pytest.mark.cassandra, pytest.mark.deep]


@pytest.fixture
def redis(redis_url: str) -> Iterator[Proxy]:
    with proxy(urlsplit(redis_url).port or 0) as proxied:
        yield proxied


@pytest.fixture
def cassandra(cassandra_port: int) -> Iterator[Proxy]:
    with proxy(cassandra_port) as proxied:
        yield proxied


@pytest.fixture(params=["local", "spark"])
def speed_engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def apart(
    spark: "SparkSession",
    redis: Proxy,
    redis_url: str,
    cassandra: Proxy,
    cassandra_url: str,
    tmp_path: Path,
    speed_engine: str,
) -> Iterator[Installation]:
    """An installation whose stores are reached through proxies, and whose broker is the home's own."""
    stores = {
        "batch_views": f"cassandra://127.0.0.1:{cassandra.port}{urlsplit(cassandra_url).path}",
        "speed_views": f"redis://127.0.0.1:{redis.port}{urlsplit(new_database(redis_url)).path}",
    }
    with ExitStack() as stack:
        stack.callback(wait_until_stopped, tmp_path)
        bootstrap = stack.enter_context(embedded_broker(tmp_path))
        made = installation(spark, bootstrap, stores, tmp_path, speed_engine=speed_engine)
        stack.callback(made.close)
        yield replace(made, settings=made.settings.changed(kafka=""))


def test_the_speed_layer_outlives_its_stores_and_its_log(
    apart: Installation, redis: Proxy, cassandra: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speed_layer.driver.PAUSES_SECONDS", (0.1, 0.2))  # an outage longer than these
    monkeypatch.setattr("speed_layer.jobs.spark_engine.OUTAGE_NOTICE", NOTICE_SOON)
    parts = in_parts(mixed_stream(apart.settings.rules), 5)

    def a_retry_is_said(place: str) -> Callable[[], bool]:
        before = len(apart.said)
        return lambda: any("trying again in" in line and place in line for line in apart.said[before:])

    with apart.streaming() as job:
        apart.produce(parts[0])
        apart.until_applied()
        for store, name, part in ((redis, "Redis", parts[1]), (cassandra, "Cassandra", parts[2])):
            store.down()
            noticed = a_retry_is_said(f"waiting, trying again in 0.5 s: {name}")
            apart.produce(part)
            until(noticed, why=lambda: apart.said)
            store.up()
            apart.until_applied()
            apart.check_all_is_applied()
        owner = apart.position.owner
        noticed = a_retry_is_said("the log")
        kill_broker(apart.settings.home)
        until(noticed, why=lambda: apart.said)  # and it starts the broker again: nobody else does here
        apart.produce(parts[3])
        apart.until_applied()
        apart.check_all_is_applied()
        assert apart.prove().mismatches == 0
        assert apart.position.owner == owner
        noticed = a_retry_is_said("waiting")
        redis.down()
        apart.produce(parts[4])
        until(noticed, why=lambda: apart.said)
        job.stop()  # and the thread ends, as the fixture's end waits for it
    redis.up()
    apart.speed()
    apart.check_all_is_applied()
    apart.check_rejected()
    assert apart.control.epoch == 1


NOTICE_SOON = {
    "kafka.request.timeout.ms": "2000", "kafka.default.api.timeout.ms": "2000", "fetchOffset.numRetries": "1",
    "kafkaConsumer.pollTimeoutMs": "2000",
}  # fmt: skip
