"""Tables as Parquet, CSV or JSON lines, written batch by batch: memory stays level, however many rows there are."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from datasets.files.output import replacing
from schemas.errors import BadInput

PARQUET, CSV, JSONL = "parquet", "csv", "jsonl"
FORMATS = (PARQUET, CSV, JSONL)
SUFFIXES = {".parquet": PARQUET, ".csv": CSV, ".jsonl": JSONL, ".ndjson": JSONL}
ROWS_PER_BATCH = 50_000

Row = tuple[Any, ...]
Write = Callable[[pa.RecordBatch], None]


@dataclass
class TableRows:
    """Takes rows in the order of ``columns``; hands them on as batches."""

    columns: pa.Schema
    write: Write
    count: int = 0
    _waiting: list[Row] = field(default_factory=list)

    def add(self, rows: Iterable[Row]) -> None:
        """Append rows; a value is of its column's type, or None."""
        self._waiting += rows
        if len(self._waiting) >= ROWS_PER_BATCH:
            self.flush()

    def add_table(self, table: pa.Table) -> None:
        """Append rows that are columns already."""
        self.flush()
        for batch in table.to_batches(ROWS_PER_BATCH):
            self.write(batch)
        self.count += table.num_rows

    def flush(self) -> None:
        """Hand on what waits."""
        if self._waiting:
            values = zip(*self._waiting, strict=True)
            arrays = [pa.array(column, kind.type) for column, kind in zip(values, self.columns, strict=True)]
            self.write(pa.RecordBatch.from_arrays(arrays, schema=self.columns))
            self.count += len(self._waiting)
            self._waiting = []


def form_of(path: Path, given: str | None) -> str:
    """Return the format of a file: the one given, else the one that its name ends in.

    Raises:
        BadInput: neither says which.
    """
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    form = given or SUFFIXES.get(ending)
    if form is None:
        raise BadInput(
            f"the format of {path} is not known: name it by --format, or end the name in .{', .'.join(FORMATS)}"
        )
    if form == PARQUET and path.suffix == ".gz":
        raise BadInput(f"{path}: Parquet compresses by itself; leave out .gz")
    return form


@contextmanager
def table_file(path: Path, form: str, columns: pa.Schema) -> Iterator[TableRows]:
    """Provide a table to add rows to; its file replaces ``path`` when the block succeeds, else nothing changes."""
    with replacing(path) as file, _WRITERS[form](file, columns) as write:
        rows = TableRows(columns, write)
        yield rows
        rows.flush()


@contextmanager
def _parquet(file: BinaryIO, columns: pa.Schema) -> Iterator[Write]:
    from pyarrow.parquet import ParquetWriter

    with ParquetWriter(file, columns, compression="zstd") as writer:
        yield writer.write_batch


@contextmanager
def _csv(file: BinaryIO, columns: pa.Schema) -> Iterator[Write]:
    """Write texts in quotes and a missing value as nothing, so that an empty text differs from a missing one."""
    from pyarrow.csv import CSVWriter

    flat = pa.schema([(column.name, _flat_type(column.type)) for column in columns])
    with CSVWriter(file, flat) as writer:
        yield lambda batch: writer.write_batch(pa.RecordBatch.from_arrays([*map(_flat, batch.columns)], schema=flat))


@contextmanager
def _jsonl(file: BinaryIO, _: pa.Schema) -> Iterator[Write]:
    from msgspec.json import Encoder

    encoder = Encoder()

    def write(batch: pa.RecordBatch) -> None:
        file.write(encoder.encode_lines(batch.to_pylist()))

    yield write


def _flat_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_nested(kind) else kind


def _flat(column: pa.Array) -> pa.Array:
    """Return the column as CSV can hold it: a list as JSON."""
    if not pa.types.is_nested(column.type):
        return column
    texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in column.to_pylist()]
    return pa.array(texts, pa.string())


_WRITERS = {PARQUET: _parquet, CSV: _csv, JSONL: _jsonl}
