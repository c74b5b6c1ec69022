"""Crashes, hangs, replays, swaps, rebuilds, lost and restored stores in any order: every answer stays exact."""

from contextlib import AbstractContextManager, ExitStack, nullcontext

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.kit.cassandra import run_cql
from tests.kit.exact.machine import Installation
from tests.kit.exact.stores import Open, Restorable, in_cassandra, in_memory, in_redis, in_sqlite
from tests.kit.search import TIMES


def search(batch: Open, speed: Open, examples: int, steps: int = 25) -> None:
    """Run that many random installations, each on empty stores."""

    class OnThese(Installation):
        def __init__(self) -> None:
            self.stores = ExitStack()
            self.batch = self.stores.enter_context(batch())
            self.speed = self.stores.enter_context(speed())
            super().__init__()

        def teardown(self) -> None:
            with self.stores:
                super().teardown()

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        OnThese,
        settings=settings(
            max_examples=examples * TIMES, stateful_step_count=steps, deadline=None, suppress_health_check=checks
        ),
    )


def memory() -> AbstractContextManager[Restorable]:
    return nullcontext(in_memory())


@pytest.mark.timeout(0)
def test_every_answer_is_exact_on_the_ports_reference() -> None:
    search(memory, memory, 25)


@pytest.mark.timeout(0)
def test_every_answer_is_exact_on_sqlite() -> None:
    search(in_sqlite, in_sqlite, 8)


@pytest.mark.redis
@pytest.mark.timeout(0)
def test_every_answer_is_exact_on_redis(redis_url: str) -> None:
    search(lambda: in_redis(redis_url), lambda: in_redis(redis_url), 8)


@pytest.mark.deep
@pytest.mark.cassandra
@pytest.mark.redis
@pytest.mark.timeout(0)
def test_every_answer_is_exact_on_cassandra_and_redis(cassandra_url: str, redis_url: str) -> None:
    with in_cassandra(cassandra_url) as batch:
        search(batch, lambda: in_redis(redis_url), 2)


@pytest.mark.deep
@pytest.mark.cassandra
@pytest.mark.timeout(0)
def test_every_answer_is_exact_on_cassandra(cassandra_url: str, cassandra_port: int) -> None:
    speed_url = f"{cassandra_url}_speed"
    with in_cassandra(cassandra_url) as batch, in_cassandra(speed_url) as speed:
        search(batch, speed, 1)
    run_cql(cassandra_port, f"DROP KEYSPACE {speed_url.rpartition('/')[2]}")
