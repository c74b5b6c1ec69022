"""New Parquet files of the lake, as the tasks that read the log write them: one for each range of a partition.

A file counts once a commit names it. Rows go to it batch by batch, so a task holds one batch, however large the range.
"""

import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adapters.lake.files import filesystem
from schemas.event import DESCRIBING

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetWriter

# The column that names a file's folder. It is inside the file, too: tables of earlier versions have no folders.
PARTITION = "partition"
# What each table of the lake holds. Columns of newer versions are ignored; those that an older version lacks are null.
EVENTS = pa.schema(
    [
        ("topic", pa.string()), ("partition", pa.int32()), ("offset", pa.int64()), ("timestamp", pa.int64()),
        ("event_id", pa.string()), ("event_time", pa.int64()), ("kind", pa.string()), ("user_id", pa.string()),
        ("item_id", pa.string()), ("value", pa.float64()), ("category", pa.string()), ("raw", pa.string()),
        ("device", pa.string()), ("source", pa.string()), ("referrer", pa.string()),
    ]
)  # fmt: skip
REJECTED = pa.schema(
    [
        ("topic", pa.string()), ("partition", pa.int32()), ("offset", pa.int64()), ("timestamp", pa.int64()),
        ("key", pa.binary()), ("value", pa.binary()), ("reason", pa.string()),
    ]
)  # fmt: skip
# A column whose values recur is stored once per value; looking for recurrence in the others only costs time.
_RECURRING = ["topic", "partition", "kind", "user_id", "item_id", "category", "reason", *DESCRIBING]
PARTS = pa.schema(
    [
        ("table", pa.string()), ("path", pa.string()), ("partition", pa.int32()), ("size", pa.int64()),
        ("rows", pa.int64()), ("first", pa.int64()), ("last", pa.int64()), ("written_at", pa.int64()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A written file: its table, its path below it, size in bytes, rows, first and last offset, epoch ms."""

    table: str
    path: str
    partition: int
    size: int
    rows: int
    first: int
    last: int
    written_at: int


@dataclass
class PartWriter:
    """Writes rows of one partition into one file of a table; ``columns`` as the table has them."""

    lake: str
    table: str
    columns: pa.Schema
    partition: int
    rows: int = 0
    first: int = 0
    last: int = 0
    path: str = ""
    _writer: "ParquetWriter | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.path = f"{PARTITION}={self.partition}/part-{uuid.uuid4()}.zstd.parquet"
        self._system, folder = filesystem(f"{self.lake}/{self.table}")
        self._place = f"{folder}/{self.path}"

    def write(self, rows: pa.RecordBatch) -> None:
        """Append rows in the log's order, with the table's columns."""
        self._opened.write_batch(rows)
        if rows.num_rows:
            offsets = rows.column("offset")
            self.first = self.first if self.rows else offsets[0].as_py()
            self.rows, self.last = self.rows + rows.num_rows, offsets[-1].as_py()

    def close(self) -> Part:
        """End the file."""
        self._opened.close()
        size: int = self._system.get_file_info(self._place).size
        return Part(
            self.table, self.path, self.partition, size, self.rows, self.first, self.last, time.time_ns() // 1_000_000
        )

    @property
    def _opened(self) -> "ParquetWriter":
        from pyarrow.fs import LocalFileSystem
        from pyarrow.parquet import ParquetWriter

        if self._writer is None:
            if isinstance(self._system, LocalFileSystem):
                Path(self._place).parent.mkdir(parents=True, exist_ok=True)
            self._writer = ParquetWriter(
                self._place, self.columns, filesystem=self._system, compression="zstd", compression_level=1,
                use_dictionary=[name for name in _RECURRING if name in self.columns.names],
            )  # fmt: skip
        return self._writer


def as_rows(parts: list[Part]) -> pa.RecordBatch:
    """Return the parts as rows of ``PARTS``, which a task returns."""
    return pa.RecordBatch.from_pylist([asdict(part) for part in parts], PARTS)


def as_parts(rows: pa.Table) -> list[Part]:
    """Return the parts that the tasks returned."""
    records: list[dict[str, Any]] = rows.to_pylist()
    return [Part(**row) for row in records]
