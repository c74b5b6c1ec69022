"""What only Redis can do or suffer."""

import itertools
import shutil
from contextlib import closing
from pathlib import Path

import pytest
import redis
from redis.crc import key_slot

from adapters.machine.children import free_port
from adapters.stores import Book, open_store
from schemas.errors import SettingsError, StoreUnavailable
from tests.kit.redis import redis_server
from tests.kit.servers import new_database

CONTROL = Book("control")
SPEED = Book("speed", guarded=True)


class LosingRows(dict[tuple[str, bytes], bytes]):
    """Rows that lose what a Redis has got of them, as a restored snapshot would, when the half is read."""

    url = ""

    def items(self):  # type: ignore[no-untyped-def, override]
        for number, item in enumerate(super().items()):
            if number == len(self) // 2:
                with redis.Redis.from_url(self.url) as client:
                    rows, puts = "millrace:{speed}:rows:s", "millrace:{speed}:puts"
                    assert client.hlen(rows) > 0
                    client.delete(rows, puts)
            yield item


@pytest.mark.redis
class TestRedis:
    def test_one_that_may_evict_is_refused_with_the_remedy(self) -> None:
        remedy = pytest.raises(SettingsError, match=r"allkeys-lru.*CONFIG SET maxmemory-policy noeviction")
        with redis_server(noeviction=False) as url, closing(open_store(url)) as store, remedy:
            store.check()

    @pytest.mark.parametrize("policy", ["noeviction", "volatile-ttl"])
    def test_the_policy_is_known_where_config_is_forbidden(self, policy: str) -> None:
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

    def test_a_full_one_is_reported(self) -> None:
        with redis_server() as url, redis.Redis.from_url(url) as admin, closing(open_store(url)) as store:
            store.swap(SPEED, None, b"r1")
            admin.config_set("maxmemory", "3mb")
            rows = {("s", b"%d" % number): b"x" * 10_000 for number in range(1_000)}
            with pytest.raises(SettingsError, match="raise its maxmemory") as refused:
                store.put(SPEED, rows, guard=b"r1")
            assert len(str(refused.value)) < 500
            assert store.swap(SPEED, b"r1", b"r2", writes=0)  # an unfinished put does not count

    def test_one_flushed_under_a_live_writer_refuses_put_and_commit(self) -> None:
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

    def test_a_scan_of_a_hash_that_shrinks_meanwhile_gives_no_row_twice(self, redis_url: str) -> None:
        """HSCAN itself gives one twice in some 2 of 30 such scans."""
        going = [b"going %d" % number for number in range(1_500)]
        with closing(open_store(new_database(redis_url))) as store:
            for turn in range(150):
                kept = [b"%d %d" % (turn, number) for number in range(50)]
                store.put(CONTROL, {("s", key): b"" for key in [*kept, *going]})
                scan = store.scan(CONTROL, "s")
                scanned = list(itertools.islice(scan, 200 * (1 + turn % 6)))
                store.delete(CONTROL, "s", going)
                keys = [key for key, _ in scanned + list(scan)]
                assert len(keys) == len(set(keys))
                assert set(kept) <= set(keys)
                store.delete(CONTROL, "s")

    def test_installations_with_prefixes_of_their_own_see_nothing_of_each_other(self, redis_url: str) -> None:
        url = new_database(redis_url)
        urls = [url, f"{url}?prefix=shop1", f"{url}?prefix=shop2&socket_timeout=5"]
        stores = [open_store(address) for address in urls]
        for number, store in enumerate(stores):
            assert store.swap(SPEED, None, b"r%d" % number)
            store.put(SPEED, {("s", b"k"): b"%d" % number}, guard=b"r%d" % number)
            store.put(CONTROL, {(f"s{number}", b"k"): b"%d" % number})
        for number, store in enumerate(stores):
            assert store.record(SPEED) == b"r%d" % number
            assert store.read(SPEED, "s", [b"k"]) == {b"k": b"%d" % number}
            assert store.spaces(CONTROL) == {f"s{number}"}
            store.close()

    def test_all_keys_of_a_book_are_in_one_hash_slot(self, redis_url: str) -> None:
        url = new_database(redis_url)
        book = Book("}a{b", guarded=True)  # {} would be no tag
        with closing(open_store(url)) as store, redis.Redis.from_url(url) as client:
            store.swap(book, None, b"r1")
            store.put(book, {("s", b"1"): b"v", ("t{}", b"1"): b"v"}, guard=b"r1")
            keys = client.keys()
            assert len(keys) == 5  # record, puts, spaces and two hashes
            assert len({key_slot(key) for key in keys}) == 1
