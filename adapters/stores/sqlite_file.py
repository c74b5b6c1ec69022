"""One SQLite file as many threads and processes share it: connections, transactions, and its errors as sentences."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from schemas.errors import MillraceError, SettingsError, StoreUnavailable

FORMAT = 1  # of the tables, kept as the file's user_version
TABLES = (
    "CREATE TABLE IF NOT EXISTS records (book TEXT PRIMARY KEY, record BLOB NOT NULL, puts INTEGER NOT NULL)",
    """CREATE TABLE IF NOT EXISTS rows (book TEXT NOT NULL, space TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
       PRIMARY KEY (book, space, key))""",
)
# SQLite's own busy wait sleeps up to 100 ms at a time and misses the short gaps that a busy writer leaves. We therefore
# ask again this often until the store's time is up. Measured: a swap beside a put of 160 MB waited 16 ms at most,
# without this and without the gaps 128 ms; with a look every 25 ms, one of two concurrent puts waited 2 s for the
# other. SQLite also does not wait at all where it fears a deadlock, as while a file is new.
LOOK_AGAIN_SECONDS = 0.002
CACHE_KIB = 32_768  # of each connection: a put of 80 MB takes a fifth less processor time than with SQLite's own 2 MB

Identity = tuple[int, int, int]  # process, device, inode

_inherited: list[sqlite3.Connection] = []  # of the process this one was forked from: SQLite forbids even closing them


class Connection(sqlite3.Connection):
    """A connection, and whether its transactions wait for the disk; ``durable`` None: it was not told yet."""

    durable: bool | None = None


class SqliteFile:
    """A pool of connections to the file that has the path now; should it be replaced, later calls use the new one."""

    def __init__(self, path: Path, timeout_ms: int) -> None:
        self.path = path.absolute()
        self._timeout_ms = timeout_ms
        self._idle: list[tuple[Identity, Connection]] = []

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Provide a connection for one call, used by no other thread meanwhile."""
        try:
            identity, connection = self._idle_one() or self._new_one()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._idle.append((identity, connection))
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            raise self._explained(error) from error

    @contextmanager
    def transaction(self, connection: Connection, *, durable: bool = False) -> Iterator[None]:
        """Do everything inside or nothing, alone among all writers; ``durable``: it outlives a power cut."""
        if connection.durable != durable:
            self.select(connection, f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.durable = durable
        self.select(connection, "BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.rollback()
            raise
        connection.execute("COMMIT")

    def select(self, connection: Connection, query: str, values: Any = ()) -> list[Any]:
        """Return the query's rows; while others hold the lock it is asked again, until the store's time is up."""
        deadline = time.monotonic() + self._timeout_ms / 1000
        while True:
            try:
                return connection.execute(query, values).fetchall()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise

    def close(self) -> None:
        while self._idle:
            self._drop(*self._idle.pop())

    def _idle_one(self) -> tuple[Identity, Connection] | None:
        while self._idle:
            try:
                identity, connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if identity == self._identity():
                return identity, connection
            self._drop(identity, connection)
        return None

    def _new_one(self) -> tuple[Identity, Connection]:
        if not self.path.parent.is_dir():
            raise SettingsError(f"The folder {self.path.parent} of the SQLite store does not exist: create it.")
        connection = sqlite3.connect(
            self.path, LOOK_AGAIN_SECONDS, isolation_level=None, check_same_thread=False, factory=Connection
        )
        try:
            self.select(connection, f"PRAGMA cache_size = -{CACHE_KIB}")
            if self.select(connection, "PRAGMA user_version") != [(FORMAT,)]:
                self._prepare(connection)
            identity = self._identity()
            if identity is None:
                raise StoreUnavailable(f"The SQLite store {self.path} was removed while it was opened: try again.")
        except BaseException:
            connection.close()
            raise
        return identity, connection

    def _prepare(self, connection: Connection) -> None:
        self.select(connection, "PRAGMA journal_mode = WAL")
        with self.transaction(connection, durable=True):
            ((version,),) = self.select(connection, "PRAGMA user_version")
            if version not in (0, FORMAT):
                raise SettingsError(f"{self.path} was made by another version of Millrace (format {version}): move it.")
            for table in TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA user_version = {FORMAT}")

    def _identity(self) -> Identity | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return os.getpid(), status.st_dev, status.st_ino

    @staticmethod
    def _drop(identity: Identity, connection: Connection) -> None:
        if identity[0] == os.getpid():
            connection.close()
        else:
            _inherited.append(connection)

    def _explained(self, error: sqlite3.DatabaseError) -> MillraceError:
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return StoreUnavailable(f"The SQLite store {self.path} stayed locked for {self._timeout_ms} ms.")
            case sqlite3.SQLITE_FULL:
                return SettingsError(f"The disk that holds {self.path} is full: free some space.")
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
                return SettingsError(f"{self.path} cannot be written ({error}): check its owner and permissions.")
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
                return SettingsError(f"{self.path} is not a SQLite store, or damaged ({error}): move it away.")
        return StoreUnavailable(f"The SQLite store {self.path} failed: {error}.")
