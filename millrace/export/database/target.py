"""The port to a database that takes an export, and the one way to get one, by URL."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from core.text.masking import masked
from millrace.export.database.tables import FORM, MARKER, TABLES, Dialect
from schemas.errors import SettingsError

Row = Sequence[Any]
WRITE = "write postgresql://user:password@host:port/database or sqlite:///path/to/file.sqlite"


class Target(Protocol):
    """An open database within one transaction; leaving its block without an error commits, else nothing changed."""

    @property
    def dialect(self) -> Dialect: ...

    def run(self, statement: str) -> int:
        """Run a statement of ours; return how many rows it changed."""

    def rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, without holding all in memory; others may be staged meanwhile."""

    def stage(self, table: str, rows: Iterable[Row]) -> int:
        """Append rows to the table's temporary twin; return their number."""

    def tables(self) -> set[str]:
        """Return the names of the tables that the database has where ours would be."""


def open_target(url: str) -> AbstractContextManager[Target]:
    """Return the database at that address, to be entered.

    Raises:
        SettingsError: the address names none, or it cannot be used.
    """
    named, _, place = url.partition("://")
    scheme = named.partition("+")[0]  # SQLAlchemy's addresses name a driver as well
    if scheme == "sqlite":
        from millrace.export.database.sqlite import sqlite_target

        return sqlite_target(place.removeprefix("/"))
    if scheme in ("postgres", "postgresql"):
        from millrace.export.database.postgres import postgres_target

        return postgres_target(f"postgresql://{place}")
    raise SettingsError(f"{masked(url)!r} names no database that is known: {WRITE}")


def require_ours(target: Target) -> None:
    """Refuse a database with a table of ours that an export did not make: its rows would be deleted.

    Raises:
        SettingsError: the text names the table and the remedy.
    """
    there = target.tables()
    if MARKER in there:
        forms = [value for name, value in target.rows(f"SELECT name, value FROM {MARKER}") if name == "form"]  # noqa: S608 - a name of ours
        if forms not in ([], [FORM]):
            raise SettingsError(
                f"the database was exported by another version of Millrace (form {forms[0]}): name an empty one"
            )
        return
    taken = sorted(there & {table.name for table in TABLES})
    if taken:
        raise SettingsError(
            f"the database has a table {taken[0]!r} that no export of Millrace made: name an empty database, or in "
            "PostgreSQL a schema of its own (?options=-csearch_path%3Dmillrace)"
        )
