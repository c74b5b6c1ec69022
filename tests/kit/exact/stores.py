"""Stores that can lose everything and be set back to what they held before, as by a backup or a lagging replica."""

import copy
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.stores import ViewStore, open_store
from adapters.stores.cassandra import CassandraStore
from adapters.stores.cassandra_session import Address, CassandraSession
from tests.kit.reference_store import ReferenceStore
from tests.kit.servers import new_database


@dataclass(frozen=True)
class Restorable:
    """``image`` is all that the store holds now; ``restore`` sets it to an earlier image, or to nothing with None."""

    store: ViewStore
    image: Callable[[], Any]
    restore: Callable[[Any], None]


class MemoryStore(ReferenceStore):
    """The port's reference: fast, and compared with every real store by the contract's own tests."""

    def check(self) -> None: ...

    def close(self) -> None: ...


def in_memory() -> Restorable:
    store = MemoryStore()

    def restore(image: Any) -> None:
        store.records, store.puts, store.rows = copy.deepcopy(image) if image else ({}, {}, {})

    return Restorable(store, lambda: copy.deepcopy((store.records, store.puts, store.rows)), restore)


@contextmanager
def in_sqlite() -> Iterator[Restorable]:
    """A file in memory where the machine has such a file system: what is tested is not the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = Path(folder) / "views.sqlite"
        store = open_store(f"sqlite:///{path}")
        yield Restorable(store, lambda: _sqlite_image(path), lambda image: _sqlite_restore(path, image))
        store.close()


TABLES = ("records", "rows")


def _sqlite_image(path: Path) -> dict[str, list[Any]]:
    connection = sqlite3.connect(path)
    try:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
    finally:
        connection.close()


def _sqlite_restore(path: Path, image: dict[str, list[Any]] | None) -> None:
    connection = sqlite3.connect(path)
    try:
        for table in TABLES:
            connection.execute(f"DELETE FROM {table}")
            for row in (image or {}).get(table, ()):
                connection.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)
        connection.commit()
    finally:
        connection.close()


@contextmanager
def in_redis(url: str) -> Iterator[Restorable]:
    """A database of its own on that server, emptied after."""
    import redis

    database = new_database(url)
    client = redis.Redis.from_url(database)
    store = open_store(database)

    def restore(image: dict[bytes, bytes] | None) -> None:
        with client.pipeline(transaction=True) as pipeline:
            pipeline.flushdb()
            for key, value in (image or {}).items():
                pipeline.restore(key, 0, value)
            pipeline.execute()

    yield Restorable(store, lambda: {key: client.dump(key) for key in client.scan_iter()}, restore)
    store.close()
    client.flushdb()
    client.close()


Open = Callable[[], AbstractContextManager[Restorable]]
COLUMNS = {
    "view_books": "book, space, key, record, puts, value",
    "view_rows": "book, space, shard, key, value",
    "view_spaces": "book, space",
}


@contextmanager
def in_cassandra(url: str, timeout_ms: int = 10_000) -> Iterator[Open]:
    """A keyspace under one connection, which costs a second; each opening empties it."""
    session = CassandraSession(Address.of(url), timeout_ms)
    store = CassandraStore(session)
    store.check()  # makes keyspace and tables

    def image() -> dict[str, list[Any]]:
        return {table: list(session.execute(f"SELECT {names} FROM {table}")) for table, names in COLUMNS.items()}

    def restore(image: dict[str, list[Any]] | None) -> None:
        for table in COLUMNS:
            session.execute(f"TRUNCATE {table}")
        for table, rows in (image or {}).items():
            for row in rows:
                held = {name: value for name, value in row._asdict().items() if value is not None}
                marks = ", ".join("?" * len(held))
                insert = session.prepare(f"INSERT INTO {table} ({', '.join(held)}) VALUES ({marks})")
                session.execute(insert, list(held.values()))

    @contextmanager
    def emptied() -> Iterator[Restorable]:
        restore(None)
        yield Restorable(store, image, restore)

    yield emptied
    store.close()
