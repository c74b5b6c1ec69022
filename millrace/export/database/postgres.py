"""An export into PostgreSQL: rows go in by COPY, at some hundred thousand per second."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import psycopg

from core.text.masking import masked
from millrace.export.database.tables import BY_NAME, JSON, REAL, TEXT, TIME, WHOLE, YES_NO, Dialect
from millrace.export.database.target import WRITE, Row, Target
from schemas.errors import SettingsError

CONNECT_SECONDS = 10
ROWS_AT_ONCE = 10_000
LOCK = 0x6D696C6C  # of the transaction: two exports into one database follow one another
DIALECT = Dialect(
    {TEXT: "text", REAL: "double precision", WHOLE: "bigint", YES_NO: "boolean", TIME: "timestamptz", JSON: "jsonb"},
    "IS DISTINCT FROM",
)
# PostgreSQL's texts cannot hold the character U+0000; its jsonb cannot hold the escape of it.
NOTHING, ESCAPED, INSTEAD = "\0", "\\u0000", "\ufffd"


@dataclass(frozen=True)
class PostgresTarget:
    """The port on one connection."""

    connection: "psycopg.Connection[tuple[Any, ...]]"
    dialect: Dialect = DIALECT
    _names: Iterator[int] = field(default_factory=count)

    def run(self, statement: str) -> int:
        return max(self.connection.execute(statement.encode()).rowcount, 0)

    def rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        with self.connection.cursor(f"millrace_{next(self._names)}") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            yield from cursor.execute(statement.encode())

    def stage(self, table: str, rows: Iterable[Row]) -> int:
        staged = 0
        json = {place for place, kind in enumerate(BY_NAME[table].columns.values()) if kind == JSON}
        with self.connection.cursor() as cursor, cursor.copy(f"COPY new_{table} FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row([_text(value, place in json) for place, value in enumerate(row)])
                staged += 1
        return staged

    def tables(self) -> set[str]:
        query = "SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace"
        return {name for (name,) in self.connection.execute(query).fetchall()}


def _text(value: Any, is_json: bool) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace(ESCAPED, INSTEAD) if is_json else value.replace(NOTHING, INSTEAD)


@contextmanager
def postgres_target(url: str) -> Iterator[Target]:
    """Provide the database within one transaction.

    Raises:
        SettingsError: it cannot be reached or used; the text says why, without the password.
    """
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            _require_unicode(connection)
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            yield PostgresTarget(connection)
    except psycopg.Error as error:
        why = str(error).strip().replace(url, masked(url)).splitlines()  # libpq repeats an address that it cannot parse
        raise SettingsError(
            f"cannot write to the database {masked(url)} ({why[0] if why else type(error).__name__}): {WRITE}"
        ) from error


def _require_unicode(connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise SettingsError(
            f"the database is encoded in {encoding}, which does not hold every character of ids: name one in UTF8"
        )
    if connection.execute("SELECT current_schema() IS NULL").fetchone() == (True,):
        raise SettingsError("the schema that the address names is not there: create it (CREATE SCHEMA …) first")
