"""One Delta table by its log alone: files, versions, commits and their notes, without an engine (decision 34).

A commit is refused when another writer of the same application committed since this one looked: both would add the same
records. Files that tasks wrote but no commit names do not exist for readers; maintenance deletes them.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa

from adapters.lake.files import LakeFile
from adapters.lake.parts import PARTITION, Part
from schemas.errors import MillraceError, SettingsError

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable
    from deltalake.transaction import AddAction

APPLICATION = "millrace-ingest"  # Delta refuses a commit when another one of this name was faster
PLAIN_READER_VERSION = 1  # of Delta's protocol: a version of the table is its Parquet files and nothing else
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_TYPES = {"int32": "integer", "int64": "long", "double": "double", "string": "string", "binary": "binary"}


@dataclass
class LakeTable:
    """A table by its path; ``columns`` are those of a new one, in folders by partition."""

    path: str
    columns: pa.Schema
    seen: "DeltaTable | None" = field(default=None, repr=False)

    @property
    def exists(self) -> bool:
        """Whether the table was made."""
        from deltalake import DeltaTable

        with _explained(self.path):
            return bool(DeltaTable.is_deltatable(self._uri))

    def opened(self, version: int | None = None) -> "DeltaTable":
        """Return the table as it was at that version, or the current table."""
        from deltalake import DeltaTable

        with _explained(self.path):
            return DeltaTable(self._uri, version=version)

    def look(self) -> "DeltaTable | None":
        """Return the current table or None; ``commit`` is refused when another commit of ours comes after this one."""
        self.seen = self.opened() if self.exists else None
        return self.seen

    def files(self, version: int | None = None) -> list[LakeFile]:
        """Return the files of a version.

        Raises:
            SettingsError: the table has features that its Parquet files alone do not show.
        """
        table = self.opened(version)
        self._require_plain(table)
        rows: list[dict[str, Any]] = pa.table(table.get_add_actions(flatten=True)).to_pylist()
        return [self._listed(row) for row in rows]

    def notes(self, most: int | None = None) -> Iterator[str]:
        """Yield what the newest commits say of themselves, newest first; maintenance says nothing."""
        for commit in self.opened().history(most):
            if "userMetadata" in commit:
                yield commit["userMetadata"]

    def commit(self, parts: list[Part], note: str, number: int) -> None:
        """Add all of these files or none; ``number`` grows with what the table holds.

        Raises:
            MillraceError: another writer was faster; nothing was changed.
        """
        from deltalake import CommitProperties, Transaction
        from deltalake.exceptions import CommitFailedError, DeltaError

        said = CommitProperties({"userMetadata": note}, app_transactions=[Transaction(APPLICATION, number)])
        try:
            self._commit(parts, said)
        except CommitFailedError as error:
            raise _others_were_faster() from error
        except DeltaError as error:
            if "already exists" in str(error):
                raise _others_were_faster() from error
            raise

    def _commit(self, parts: list[Part], said: "CommitProperties") -> None:
        from deltalake import Schema
        from deltalake.schema import Field, PrimitiveType
        from deltalake.transaction import create_table_with_add_actions

        wanted = [Field(column.name, PrimitiveType(_TYPES[str(column.type)])) for column in self.columns]
        table = self.seen
        if table is None:
            create_table_with_add_actions(
                self._uri,
                Schema(wanted),
                [_added(part, [PARTITION]) for part in parts],
                "error",
                [PARTITION],
                commit_properties=said,
            )
            return
        known = {column.name for column in table.schema().fields}
        missing = [column for column in wanted if column.name not in known]
        if missing:
            table.alter.add_columns(missing)
        folders = table.metadata().partition_columns
        added = [_added(part, folders) for part in parts]
        table.create_write_transaction([*added], "append", table.schema(), folders, commit_properties=said)

    def _listed(self, row: dict[str, Any]) -> LakeFile:
        path = row["path"]
        uri = path if "://" in path or path.startswith("file:") else f"{self.path}/{unquote(path)}"
        partition, rows = row.get(f"partition.{PARTITION}"), row["num_records"]
        return LakeFile(uri, row["size_bytes"], rows, partition, row.get("min.offset"), row.get("max.offset"))

    def _require_plain(self, table: "DeltaTable") -> None:
        needed = table.protocol().min_reader_version
        if needed > PLAIN_READER_VERSION:
            raise SettingsError(
                f"{self.path} was given features of Delta that its files alone do not show (reader version {needed}; "
                f"properties {table.metadata().configuration}): remove them by ALTER TABLE … DROP FEATURE "
                "(deletionVectors, columnMapping)"
            )

    @property
    def _uri(self) -> str:
        """The path as delta-rs takes it: a local one as a URI."""
        if "://" in self.path or self.path.startswith("file:"):
            return self.path
        if _ESCAPE.search(self.path):
            raise SettingsError(
                f"the lake's path {self.path} has a percent sign before two hexadecimal digits, which Delta takes for "
                "an escape: name another one in MILLRACE_LAKE"
            )
        return Path(self.path).absolute().as_uri()


def _added(part: Part, folders: list[str]) -> "AddAction":
    from deltalake.transaction import AddAction

    bounds = {"numRecords": part.rows, "nullCount": {"offset": 0}}
    if part.rows:
        bounds |= {"minValues": {"offset": part.first}, "maxValues": {"offset": part.last}}
    return AddAction(
        part.path, part.size, dict.fromkeys(folders, str(part.partition)), part.written_at, True, json.dumps(bounds)
    )


def _others_were_faster() -> MillraceError:
    return MillraceError("another batch run or maintenance changed the lake now; nothing was changed, run again")


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Report a place that cannot be reached with the setting that names it."""
    from deltalake.exceptions import DeltaError

    try:
        yield
    except DeltaError as error:
        raise SettingsError(
            f"the lake's table {path} cannot be opened ({error}): check MILLRACE_LAKE and, for an object store, its "
            "usual environment variables"
        ) from error
