"""An export into a SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millrace.export.database.tables import JSON, REAL, TEXT, TIME, WHOLE, YES_NO, Dialect
from millrace.export.database.target import Row, Target
from schemas.errors import SettingsError

SECONDS = 60.0  # that another writer may keep the file locked
ROWS_AT_ONCE = 10_000
DIALECT = Dialect(
    {TEXT: "TEXT", REAL: "REAL", WHOLE: "INTEGER", YES_NO: "BOOLEAN", TIME: "TEXT", JSON: "TEXT"}, "IS NOT"
)


@dataclass(frozen=True)
class SqliteTarget:
    """The port on one connection; times and JSON are text."""

    connection: sqlite3.Connection
    dialect: Dialect = DIALECT

    def run(self, statement: str) -> int:
        return max(self.connection.execute(statement).rowcount, 0)

    def rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        cursor = self.connection.execute(statement)
        while page := cursor.fetchmany(ROWS_AT_ONCE):
            yield from page

    def stage(self, table: str, rows: Iterable[Row]) -> int:
        count = 0

        def counted() -> Iterator[Row]:
            nonlocal count
            for row in rows:
                count += 1
                yield row

        ((columns,),) = self.connection.execute("SELECT count(*) FROM pragma_table_info(?)", (f"new_{table}",))
        marks = ",".join("?" * columns)
        self.connection.executemany(f"INSERT INTO new_{table} VALUES ({marks})", counted())  # noqa: S608 - names of ours
        return count

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")}


@contextmanager
def sqlite_target(path: str) -> Iterator[Target]:
    """Provide the file, made if it is missing.

    Raises:
        SettingsError: it cannot be used; the text says why.
    """
    if not path:
        raise SettingsError("the address names no file: write sqlite:///path/to/file.sqlite")
    file = Path(path)
    is_new = not file.exists()
    try:
        with closing(sqlite3.connect(file, SECONDS, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN IMMEDIATE")
            yield SqliteTarget(connection)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise SettingsError(
            f"cannot write to the SQLite file {path} ({error}): name a file in a folder that is there and writable, "
            "on a disk with room"
        ) from error
    finally:
        if is_new and file.exists() and not file.stat().st_size:
            file.unlink()
