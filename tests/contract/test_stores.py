"""The contract suite on each real store, and what only one of them can do or suffer."""

import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.children import free_port
from adapters.stores import Book, ViewStore, masked, open_store
from adapters.stores.sqlite_file import SqliteFile
from schemas.errors import SettingsError, StoreUnavailable
from tests.contract.store_contract import ViewStoreContract
from tests.servers import redis_server, run_cql

CONTROL = Book("control")
SPEED = Book("speed", guarded=True)


@pytest.fixture(scope="module")
def sqlite_file_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('views') / 'views.sqlite'}"


@pytest.fixture(scope="module")
def cassandra_keyspace_url(cassandra_port: int) -> Iterator[str]:
    yield f"cassandra://127.0.0.1:{cassandra_port}/contract"  # a keyspace that the store has to make
    run_cql(cassandra_port, "DROP KEYSPACE IF EXISTS contract")


class TestSqlite(ViewStoreContract):
    @pytest.fixture
    def url(self, sqlite_file_url: str) -> str:
        return sqlite_file_url


@pytest.mark.redis
class TestRedis(ViewStoreContract):
    @pytest.fixture
    def url(self, redis_url: str) -> str:
        return f"{redis_url}/7"


@pytest.mark.cassandra
class TestCassandra(ViewStoreContract):
    @pytest.fixture
    def url(self, cassandra_keyspace_url: str) -> str:
        return cassandra_keyspace_url


class TestUrls:
    @pytest.mark.parametrize("url", ["", "views.sqlite", "mysql://root:secret@host/db", "SQLITE:///x", "memory://"])
    def test_an_unknown_scheme_is_refused_and_the_known_ones_are_named(self, url: str) -> None:
        with pytest.raises(SettingsError, match=r"sqlite:///.*redis://.*cassandra://") as refused:
            open_store(url)
        assert "secret" not in str(refused.value)

    @pytest.mark.parametrize(
        "url",
        [
            "sqlite://",
            "sqlite:///",
            "redis://user:secret@host:port/0",
            "redis://user:secret@host:6379/0?no_such_option=1",
            "cassandra://user:secret@host",
            "cassandra://user:secret@host:port/views",
            "cassandra://user:secret@host/views;drop",
            "cassandra://user:secret@host/views?consistency=ONE",
            "cassandra://user:secret@host/views?replication=many",
            "cassandra://user:secret@host/views?dc=a'b",
            "cassandra://user:secret@host/views?tls=maybe",
        ],
    )
    def test_a_url_that_cannot_be_understood_is_refused_without_its_password(self, url: str) -> None:
        with pytest.raises(SettingsError, match=url.partition(":")[0]) as refused:
            open_store(url)
        assert "secret" not in str(refused.value)
        assert refused.value.__cause__ is None

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("redis://user:secret@host:6379/0", "redis://user:***@host:6379/0"),
            ("redis://:secret@host/0", "redis://:***@host/0"),
            ("redis://user:sec/r@t@host/0", "redis://user:***@host/0"),
            ("redis://host/0?db=1&password=secret", "redis://host/0?db=1&password=***"),
            ("redis://host:6379/0", "redis://host:6379/0"),
            ("cassandra://user:secret@a:1,b:2/views?dc=x", "cassandra://user:***@a:1,b:2/views?dc=x"),
            ("sqlite:////home/a:b@c/views.sqlite", "sqlite:////home/a:b@c/views.sqlite"),
        ],
    )
    def test_a_masked_url_hides_the_password_alone(self, url: str, shown: str) -> None:
        assert masked(url) == shown

    def test_a_relative_path_has_three_slashes_and_an_absolute_one_four(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "elsewhere").mkdir()
        with closing(open_store("sqlite:///relative %20.sqlite")) as relative:
            monkeypatch.chdir(tmp_path / "elsewhere")  # a process may change its folder later
            relative.swap(CONTROL, None, b"r")
        with closing(open_store(f"sqlite:///{tmp_path}/relative %20.sqlite")) as absolute:
            assert absolute.record(CONTROL) == b"r"

    def test_a_lookup_in_sqlite_does_not_load_the_other_drivers(self, tmp_path: Path) -> None:
        code = (
            "import sys; from adapters.stores import Book, open_store;"
            f"open_store('sqlite:///{tmp_path}/v').record(Book('control'));"
            "assert not {'redis', 'cassandra'} & sys.modules.keys()"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


class TestSqliteAlone:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "views.sqlite"

    @pytest.fixture
    def store(self, path: Path) -> Iterator[ViewStore]:
        with closing(open_store(f"sqlite:///{path}", timeout_ms=300)) as store:
            yield store

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"no-such-folder.*create it"):
            open_store(f"sqlite:///{tmp_path}/no-such-folder/views.sqlite").record(CONTROL)

    def test_a_file_that_is_no_store_is_named(self, store: ViewStore, path: Path) -> None:
        path.write_text("this is a letter, not a database " * 100)
        with pytest.raises(SettingsError, match=r"views\.sqlite is not a SQLite store"):
            store.record(CONTROL)

    def test_a_store_of_another_format_is_left_alone(self, store: ViewStore, path: Path) -> None:
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA user_version = 99")
        with pytest.raises(SettingsError, match="another version"):
            store.record(CONTROL)

    def test_a_folder_in_the_file_s_place_is_told(self, store: ViewStore, path: Path) -> None:
        path.mkdir()
        with pytest.raises(SettingsError, match="cannot be written"):
            store.record(CONTROL)

    def test_a_lock_held_too_long_makes_it_unavailable_to_writers_not_to_readers(
        self, store: ViewStore, path: Path
    ) -> None:
        store.swap(CONTROL, None, b"r1")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            started = time.monotonic()
            with pytest.raises(StoreUnavailable, match="locked for 300 ms"):
                store.swap(CONTROL, b"r1", b"r2")
            assert 0.3 <= time.monotonic() - started < 2
            assert store.record(CONTROL) == b"r1"
        assert store.swap(CONTROL, b"r1", b"r2")

    def test_a_full_disk_is_told_and_nothing_is_half_written(self, path: Path) -> None:
        file = SqliteFile(path, 300)

        def fill() -> None:
            with file.connection() as connection:
                connection.execute("PRAGMA max_page_count = 20")  # SQLite answers as on a full disk
                with file.transaction(connection):
                    for number in range(9):
                        connection.execute("INSERT INTO rows VALUES ('b', 's', ?, zeroblob(9999))", (number,))

        with pytest.raises(SettingsError, match="full: free some space"):
            fill()
        with file.connection() as connection:
            assert file.select(connection, "SELECT count(*) FROM rows") == [(0,)]
        file.close()

    def test_a_busy_writer_leaves_gaps_for_others(self, store: ViewStore, path: Path) -> None:
        """A generation is being written for seconds; the speed layer's swaps must not wait for its end."""
        code = (
            "import sys; from adapters.stores import Book, open_store;"
            "rows = {('s', b'%d' % n): b'x' * 20_000 for n in range(8_000)};"
            f"print('go', flush=True); open_store('sqlite:///{path}').put(Book('generation/1'), rows)"
        )
        command = [sys.executable, "-c", code]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            swaps = 0
            while writer.poll() is None:
                record = store.record(CONTROL)
                assert store.swap(CONTROL, record, b"%d" % swaps)
                swaps += 1
                time.sleep(0.02)
        assert writer.returncode == 0
        assert swaps >= 5

    def test_swaps_of_many_processes_are_all_counted(self, store: ViewStore, path: Path) -> None:
        code = (
            "from adapters.stores import Book, open_store\n"
            f"store, book, won = open_store('sqlite:///{path}', timeout_ms=10_000), Book('control'), 0\n"
            "while won < 40:\n"
            "    record = store.record(book)\n"
            "    won += store.swap(book, record, b'%d' % (int(record or 0) + 1))\n"
        )
        root = Path(__file__).parents[2]
        running = [subprocess.Popen([sys.executable, "-c", code], cwd=root) for _ in range(3)]
        assert [each.wait(60) for each in running] == [0, 0, 0]
        assert store.record(CONTROL) == b"120"

    def test_a_file_restored_under_a_live_writer_refuses_its_commit(self, store: ViewStore, path: Path) -> None:
        store.swap(SPEED, None, b"r1")
        store.put(SPEED, {("s", b"1"): b"v"}, guard=b"r1")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(f"{path}.old")) as backup:
            source.backup(backup)
        store.put(SPEED, {("s", b"2"): b"v"}, guard=b"r1")
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink()
        Path(f"{path}.old").replace(path)
        assert store.put(SPEED, {("s", b"3"): b"v"}, guard=b"r1")
        assert set(dict(store.scan(SPEED, "s"))) == {b"1", b"3"}
        assert not store.swap(SPEED, b"r1", b"r2", writes=3)

    def test_a_file_removed_under_a_live_writer_refuses_its_put(self, store: ViewStore, path: Path) -> None:
        store.swap(SPEED, None, b"r1")
        path.unlink()
        assert not store.put(SPEED, {("s", b"1"): b"v"}, guard=b"r1")


class LosingRows(dict[tuple[str, bytes], bytes]):
    """Rows that lose what a Redis has got of them, as a restored snapshot would, when the half is read."""

    url = ""

    def items(self):  # type: ignore[no-untyped-def, override]
        import redis

        for number, item in enumerate(super().items()):
            if number == len(self) // 2:
                with redis.Redis.from_url(self.url) as client:
                    rows, puts = "millrace:{speed}:rows:s", "millrace:{speed}:puts"
                    assert client.hlen(rows) > 0
                    client.delete(rows, puts)
            yield item


@pytest.mark.redis
class TestRedisAlone:
    def test_one_that_may_evict_is_refused_with_the_remedy(self) -> None:
        remedy = pytest.raises(SettingsError, match=r"allkeys-lru.*CONFIG SET maxmemory-policy noeviction")
        with redis_server(noeviction=False) as url, closing(open_store(url)) as store, remedy:
            store.check()

    @pytest.mark.parametrize("policy", ["noeviction", "volatile-ttl"])
    def test_the_policy_is_known_where_config_is_forbidden(self, policy: str) -> None:
        import redis

        with redis_server() as url, redis.Redis.from_url(url) as admin:
            admin.config_set("maxmemory-policy", policy)
            admin.execute_command("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-config")
            with closing(open_store(url.replace("//", "//app:secret@"))) as store:
                if policy == "noeviction":
                    store.check()
                else:
                    with pytest.raises(SettingsError, match="volatile-ttl"):
                        store.check()

    def test_a_wrong_password_is_a_setting_and_is_not_shown(self, redis_url: str) -> None:
        refusal = pytest.raises(SettingsError, match="refuses user or password")
        with closing(open_store(redis_url.replace("//", "//app:secret@"))) as store, refusal as refused:
            store.record(CONTROL)
        assert "secret" not in str(refused.value)

    def test_a_full_one_is_told(self) -> None:
        import redis

        with redis_server() as url, redis.Redis.from_url(url) as admin, closing(open_store(url)) as store:
            store.swap(SPEED, None, b"r1")
            admin.config_set("maxmemory", "3mb")
            rows = {("s", b"%d" % number): b"x" * 10_000 for number in range(1_000)}
            with pytest.raises(SettingsError, match="raise its maxmemory") as refused:
                store.put(SPEED, rows, guard=b"r1")
            assert len(str(refused.value)) < 500
            assert store.swap(SPEED, b"r1", b"r2", writes=0)  # an unfinished put does not count

    def test_one_flushed_under_a_live_writer_refuses_put_and_commit(self) -> None:
        import redis

        with redis_server() as url, redis.Redis.from_url(url) as admin, closing(open_store(url)) as store:
            store.swap(SPEED, None, b"r1")
            assert store.put(SPEED, {("s", b"1"): b"v"}, guard=b"r1")
            admin.flushall()
            assert not store.put(SPEED, {("s", b"2"): b"v"}, guard=b"r1")
            assert not store.swap(SPEED, b"r1", b"r2", writes=1)
            assert admin.dbsize() == 0

    def test_one_restarted_from_an_older_copy_refuses_the_commit(self, tmp_path: Path) -> None:
        port, home = free_port(), tmp_path / "redis"
        home.mkdir()
        with closing(open_store(f"redis://127.0.0.1:{port}")) as store:  # lives through all of it
            with redis_server(port=port, home=home):
                store.swap(SPEED, None, b"r1")
                store.put(SPEED, {("s", b"1"): b"v"}, guard=b"r1")
            shutil.copytree(home, tmp_path / "copy")
            with redis_server(port=port, home=home):
                assert store.put(SPEED, {("s", b"2"): b"v"}, guard=b"r1")
            shutil.rmtree(home)
            (tmp_path / "copy").rename(home)
            with redis_server(port=port, home=home):
                assert store.put(SPEED, {("s", b"3"): b"v"}, guard=b"r1")
                assert set(dict(store.scan(SPEED, "s"))) == {b"1", b"3"}
                assert not store.swap(SPEED, b"r1", b"r2", writes=3)

    def test_one_that_loses_the_first_half_of_a_put_refuses_the_rest(self) -> None:
        rows = LosingRows({("s", b"%d" % number): b"x" * 10_000 for number in range(2_000)})
        with redis_server() as rows.url, closing(open_store(rows.url)) as store:
            store.swap(SPEED, None, b"r1")
            assert not store.put(SPEED, rows, guard=b"r1")
            assert store.swap(SPEED, b"r1", b"r2", writes=0)

    def test_one_that_restarts_is_used_again(self, tmp_path: Path) -> None:
        port = free_port()
        with closing(open_store(f"redis://127.0.0.1:{port}", timeout_ms=500)) as store:
            with redis_server(port=port, home=tmp_path):
                store.swap(SPEED, None, b"r1")
            with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}"):
                store.record(SPEED)
            with redis_server(port=port, home=tmp_path):
                assert store.record(SPEED) == b"r1"

    def test_all_keys_of_a_book_are_in_one_hash_slot(self, redis_url: str) -> None:
        import redis
        from redis.crc import key_slot

        url = f"{redis_url}/8"
        book = Book("a{b}c", guarded=True)
        with closing(open_store(url)) as store, redis.Redis.from_url(url) as client:
            store.swap(book, None, b"r1")
            store.put(book, {("s", b"1"): b"v", ("t{}", b"1"): b"v"}, guard=b"r1")
            keys = client.keys()
            assert len(keys) == 5  # record, puts, spaces and two hashes
            assert len({key_slot(key) for key in keys}) == 1


class TestServersThatAreDown:
    @pytest.fixture
    def silent_port(self) -> Iterator[int]:
        """Of a server that takes connections and never says a word, as one does that hangs."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    @pytest.mark.parametrize("scheme", ["redis://user:secret@127.0.0.1:{}/0", "cassandra://user:secret@127.0.0.1:{}/v"])
    @pytest.mark.parametrize("kind", ["absent", "silent"])
    def test_one_that_does_not_answer_is_unavailable_within_its_time(
        self, scheme: str, kind: str, silent_port: int
    ) -> None:
        port = silent_port if kind == "silent" else free_port()
        calls = {
            "record": lambda: store.record(SPEED),
            "swap": lambda: store.swap(SPEED, None, b"r1"),
            "put": lambda: store.put(SPEED, {("s", b"k"): b"v"}, guard=b"r1"),
            "read": lambda: store.read(SPEED, "s", [b"k"]),
            "scan": lambda: list(store.scan(SPEED, "s")),
            "check": lambda: store.check(),
        }
        with closing(open_store(scheme.format(port), timeout_ms=300)) as store:
            for name, call in calls.items():
                started = time.monotonic()
                with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}") as refused:
                    call()
                assert time.monotonic() - started < 1.5, name
                assert "secret" not in str(refused.value)


@pytest.mark.cassandra
class TestCassandraAlone:
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
