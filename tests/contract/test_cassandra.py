"""What only Cassandra can do or suffer."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from cassandra.connection import ConnectionShutdown

from adapters.machine.children import free_port
from adapters.stores import Book, ViewStore, open_store
from adapters.stores.cassandra_session import Address, CassandraSession
from schemas.errors import StoreUnavailable
from tests.kit.cassandra import run_cql
from tests.kit.killable import killable_cassandra
from tests.kit.proxy import Mute
from tests.kit.waiting import until

CONTROL = Book("control")
SPEED = Book("speed", guarded=True)


def answers(store: ViewStore) -> bool:
    """Whether it does, with an empty book."""
    with suppress(StoreUnavailable):
        return store.record(CONTROL) is None
    return False


@pytest.mark.cassandra
class TestCassandra:
    def test_one_restored_under_a_live_writer_refuses_its_commit(self, cassandra_url: str) -> None:
        address, _, keyspace = cassandra_url.removeprefix("cassandra://").partition("/")
        with closing(open_store(cassandra_url, timeout_ms=10_000)) as store:
            store.swap(SPEED, None, b"r1")
            assert store.put(SPEED, {("s", b"1"): b"v"}, guard=b"r1")
            lost = f"UPDATE {keyspace}.view_books SET puts = {{}} WHERE book = 'speed' IF EXISTS"
            run_cql(int(address.partition(":")[2]), lost)
            assert store.put(SPEED, {("s", b"2"): b"v"}, guard=b"r1")
            assert not store.swap(SPEED, b"r1", b"r2", writes=2)

    def test_a_keyspace_made_beforehand_is_used_as_it_is(self, cassandra_url: str) -> None:
        with closing(open_store(cassandra_url + "?replication=3", timeout_ms=10_000)) as store:
            assert store.swap(CONTROL, None, b"r1")  # three replicas could not be written here

    def test_a_keyspace_that_is_gone_is_made_again_by_the_store_that_is_open(
        self, cassandra_port: int, cassandra_url: str
    ) -> None:
        with closing(open_store(cassandra_url, timeout_ms=10_000)) as store:
            assert store.swap(CONTROL, None, b"r1")
            run_cql(cassandra_port, f"DROP KEYSPACE {cassandra_url.rpartition('/')[2]}")
            with pytest.raises(StoreUnavailable):
                store.record(CONTROL)
            assert store.record(CONTROL) is None
            assert store.swap(CONTROL, None, b"r2")

    @pytest.mark.deep  # two nodes of its own
    def test_a_node_that_comes_back_empty_is_used_by_the_store_that_is_open(self, tmp_path: Path) -> None:
        port = free_port()
        node = killable_cassandra(tmp_path / "node", port)
        node.start()
        try:
            with closing(open_store(f"cassandra://127.0.0.1:{port}/emptied", timeout_ms=5_000)) as store:
                assert store.swap(CONTROL, None, b"r1")
                node.kill()
                node.lose()
                with pytest.raises(StoreUnavailable):
                    store.record(CONTROL)
                node.start()
                until(lambda: answers(store))
                assert store.swap(CONTROL, None, b"r2")
        finally:
            node.stop()

    @pytest.fixture
    def mute(self, cassandra_port: int) -> Iterator[Mute]:
        with closing(Mute(cassandra_port)) as mute:
            yield mute

    @pytest.fixture
    def muted_store(self, mute: Mute, cassandra_url: str) -> Iterator[ViewStore]:
        """A store behind ``mute`` that has the record r1."""
        keyspace = cassandra_url.rpartition("/")[2]
        with closing(open_store(f"cassandra://127.0.0.1:{mute.port}/{keyspace}", timeout_ms=2_000)) as store:
            store.swap(SPEED, None, b"r1")
            store.put(SPEED, {}, guard=b"r1")  # prepares the statements
            yield store

    def test_a_swap_whose_answer_was_lost_is_known_to_have_won(self, mute: Mute, muted_store: ViewStore) -> None:
        mute.muted = True
        assert muted_store.swap(SPEED, b"r1", b"r2")
        assert mute.thrown_away == 1
        assert muted_store.record(SPEED) == b"r2"

    def test_a_lost_swap_whose_answer_was_lost_is_known_to_have_lost(self, mute: Mute, muted_store: ViewStore) -> None:
        mute.muted = True
        assert not muted_store.swap(SPEED, b"r0", b"r2")
        assert mute.thrown_away == 1
        assert muted_store.record(SPEED) == b"r1"

    def test_a_guarded_put_whose_answer_was_lost_counts_once(self, mute: Mute, muted_store: ViewStore) -> None:
        mute.muted = True
        assert muted_store.put(SPEED, {("s", b"k"): b"v"}, guard=b"r1")
        assert mute.thrown_away == 1
        assert muted_store.swap(SPEED, b"r1", b"r2", writes=2)

    def test_a_node_that_is_killed_during_a_request_did_not_answer(self) -> None:
        session = CassandraSession(Address.of("cassandra://127.0.0.1:1/k"), 1_000)
        with pytest.raises(StoreUnavailable, match=r"did not answer.*reset by peer"), session.explained():
            raise ConnectionShutdown("[Errno 104] Connection reset by peer")  # as the driver does then
