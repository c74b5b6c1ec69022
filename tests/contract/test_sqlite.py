"""What only SQLite can do or suffer."""

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.stores import Book, ViewStore, open_store
from adapters.stores.sqlite import SqliteStore
from adapters.stores.sqlite_file import SqliteFile
from schemas.errors import SettingsError, StoreUnavailable
from tests.kit.places import ROOT
from tests.kit.waiting import least, seconds

CONTROL = Book("control")
SPEED = Book("speed", guarded=True, lasting=False)


class TestSqlite:
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

    def test_a_folder_in_the_file_s_place_is_reported(self, store: ViewStore, path: Path) -> None:
        path.mkdir()
        with pytest.raises(SettingsError, match="cannot be written"):
            store.record(CONTROL)

    def test_a_lock_held_too_long_makes_it_unavailable_to_writers_not_to_readers(
        self, store: ViewStore, path: Path
    ) -> None:
        store.swap(CONTROL, None, b"r1")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

            def swap() -> None:
                with pytest.raises(StoreUnavailable, match="locked for 300 ms"):
                    store.swap(CONTROL, b"r1", b"r2")

            assert 0.3 <= least(lambda: seconds(swap), 2) < 2
            assert store.record(CONTROL) == b"r1"
        assert store.swap(CONTROL, b"r1", b"r2")

    def test_a_full_disk_is_reported_and_nothing_is_half_written(self, path: Path) -> None:
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
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as writer:
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

    def test_a_power_cut_leaves_an_earlier_state_of_record_and_rows_together(
        self, store: ViewStore, path: Path, tmp_path: Path
    ) -> None:
        store.swap(SPEED, None, b"0")
        states: list[tuple[bytes | None, dict[bytes, bytes]]] = [(None, {}), (b"0", {})]
        for number in range(1, 6):
            guard = states[-1][0]
            store.put(SPEED, {("s", bytes([k])): bytes([number]) * 2000 for k in range(5)}, guard=guard)
            states.append((guard, dict(store.scan(SPEED, "s"))))
            store.swap(SPEED, guard, str(number).encode())
            states.append((str(number).encode(), dict(store.scan(SPEED, "s"))))
        wal = path.with_name(path.name + "-wal").read_bytes()
        reached = []
        for length in [*range(0, len(wal), 1031), len(wal)]:
            left = tmp_path / f"left-{length}.sqlite"
            shutil.copy(path, left)
            left.with_name(left.name + "-wal").write_bytes(wal[:length])
            with closing(open_store(f"sqlite:///{left}", timeout_ms=300)) as after_the_cut:
                reached.append(states.index((after_the_cut.record(SPEED), dict(after_the_cut.scan(SPEED, "s")))))
        assert reached == sorted(reached)
        assert reached[-1] == len(states) - 1

    @pytest.mark.parametrize("lasting", [True, False])
    def test_only_swaps_of_lasting_books_wait_for_the_disk(self, path: Path, lasting: bool) -> None:
        with closing(SqliteStore(path, 300)) as store:
            store.swap(Book("b", lasting=lasting), None, b"r1")
            with store._file.connection() as connection:
                assert connection.execute("PRAGMA synchronous").fetchone() == (2 if lasting else 1,)

    def test_swaps_of_many_processes_are_all_counted(self, store: ViewStore, path: Path) -> None:
        code = (
            "from adapters.stores import Book, open_store\n"
            f"store, book, won = open_store('sqlite:///{path}', timeout_ms=100_000), Book('control'), 0\n"
            "while won < 40:\n"
            "    record = store.record(book)\n"
            "    won += store.swap(book, record, b'%d' % (int(record or 0) + 1))\n"
        )
        root = ROOT
        running = [subprocess.Popen([sys.executable, "-c", code], cwd=root) for _ in range(3)]
        assert [process.wait(120) for process in running] == [0, 0, 0]
        assert store.record(CONTROL) == b"120"

    def test_a_file_that_another_process_is_just_making_is_waited_for(self, path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN EXCLUSIVE")  # before the file is in WAL mode, its readers wait too
            release = threading.Timer(0.3, other.rollback)
            release.start()
            with closing(open_store(f"sqlite:///{path}", timeout_ms=10_000)) as store:
                assert store.swap(CONTROL, None, b"r1")
            release.join()

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
