"""The contract suite on each real store."""

from collections.abc import Iterator

import pytest

from tests.contract.store_contract import ViewStoreContract
from tests.kit.cassandra import run_cql
from tests.kit.servers import new_database


@pytest.fixture(scope="module")
def sqlite_file_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('views') / 'views.sqlite'}"


@pytest.fixture(scope="module")
def cassandra_keyspace_url(cassandra_port: int) -> Iterator[str]:
    yield f"cassandra://127.0.0.1:{cassandra_port}/contract"  # a keyspace that the store has to make
    run_cql(cassandra_port, "DROP KEYSPACE IF EXISTS contract")


@pytest.fixture(scope="module")
def redis_database_url(redis_url: str) -> str:
    return new_database(redis_url)


class TestSqlite(ViewStoreContract):
    @pytest.fixture
    def url(self, sqlite_file_url: str) -> str:
        return sqlite_file_url


@pytest.mark.redis
class TestRedis(ViewStoreContract):
    @pytest.fixture
    def url(self, redis_database_url: str) -> str:
        return redis_database_url


@pytest.mark.redis
class TestRedisWithAPrefix(ViewStoreContract):
    @pytest.fixture
    def url(self, redis_database_url: str) -> str:
        return f"{redis_database_url}?prefix=shop1"


@pytest.mark.cassandra
class TestCassandra(ViewStoreContract):
    @pytest.fixture
    def url(self, cassandra_keyspace_url: str) -> str:
        return cassandra_keyspace_url
