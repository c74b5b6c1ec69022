"""Real servers for tests: children of the test run on free ports of 127.0.0.1, which end with it.

The fixtures start one server of each kind per test run, when a test first uses it.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.broker.embedded import embedded_broker, wait_until_stopped
from adapters.log.kafka_log import Log, Topics
from tests.kit.cassandra import cassandra_server, run_cql
from tests.kit.postgres import postgres_server
from tests.kit.redis import REDIS_DATABASES, redis_server
from tests.kit.scratch import scratch

_names = itertools.count()


@contextmanager
def kafka() -> Iterator[str]:
    """A broker in a home of its own that yields ``127.0.0.1:port``; up in about 6 s."""
    with scratch("kafka") as home:
        with embedded_broker(home) as bootstrap:
            yield bootstrap
        wait_until_stopped(home)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """A broker shared by the test run: ``127.0.0.1:port``; use a topic prefix of your own."""
    with kafka() as bootstrap:
        yield bootstrap


@pytest.fixture
def log(kafka_bootstrap: str) -> Log:
    """A log whose topics, 4 partitions of events, are new and empty."""
    made = Log(kafka_bootstrap, Topics.prefixed(f"test-{next(_names)}-"))
    made.ensure_topics(partitions=4)
    return made


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis that never evicts: ``redis://127.0.0.1:port``, shared by the test run; see ``new_database``."""
    with redis_server() as url:
        yield url


def new_database(redis_url: str) -> str:
    """The URL of a database of that server that nobody else has. (Only a search takes more, and empties its.)"""
    return f"{redis_url}/{next(_names) % REDIS_DATABASES}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL shared by the test run: ``postgresql://user:password@127.0.0.1:port``, without a database."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def cassandra_port() -> Iterator[int]:
    """The port of a Cassandra node shared by the test run."""
    with cassandra_server() as port:
        yield port


@pytest.fixture
def cassandra_url(cassandra_port: int) -> Iterator[str]:
    """A new, empty keyspace: ``cassandra://127.0.0.1:port/keyspace``."""
    keyspace = f"test_{next(_names)}"
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    run_cql(cassandra_port, f"CREATE KEYSPACE {keyspace} WITH replication = {replication}")
    yield f"cassandra://127.0.0.1:{cassandra_port}/{keyspace}"
    run_cql(cassandra_port, f"DROP KEYSPACE {keyspace}")
