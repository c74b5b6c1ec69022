"""Parquet files as rows: values keep their types, times become epoch milliseconds."""

import io
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from datasets.files.blocks import ROWS, Block, Cells
from datasets.files.tally import Tally
from schemas.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"PAR1"
ROWS_AT_ONCE = 20_000


def is_parquet(raw: "io.BufferedReader[Any]") -> bool:
    """Return whether a file begins as a Parquet file does."""
    return raw.peek(len(MAGIC))[: len(MAGIC)] == MAGIC


def parquet_rows(raw: "io.BufferedReader[Any]", name: str, tally: Tally, numbers: Iterator[int]) -> Iterator[Block]:
    """Yield the rows; each counts as a line. A packed file is read into memory, as its end comes first.

    Raises: BadInput when the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.PythonFile(raw, mode="r") if _is_plain(raw) else io.BytesIO(raw.read()))
        place = 1
        for batch in file.iter_batches(ROWS_AT_ONCE):
            for start in range(0, batch.num_rows, ROWS):
                rows = _rows(batch.slice(start, ROWS))
                tally.lines += len(rows)
                lines = range(place, place + len(rows))
                place = lines.stop
                yield Block(name, list(islice(numbers, len(rows))), lines, rows, rows.cells)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, EOFError) as error:
        raise BadInput(f"{name} is a damaged Parquet file, or one that Arrow cannot read: {error}") from None


def _rows(batch: "pa.RecordBatch") -> Cells:
    return Cells({name: place for place, name in enumerate(batch.schema.names)}, map(_values, batch.columns))


def _is_plain(raw: Any) -> bool:
    return isinstance(getattr(raw, "raw", None), io.FileIO)


def _values(column: "pa.Array") -> list[Any]:
    """Return a column as Python's values; times are whole milliseconds, rounded down."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        column = pc.floor_temporal(column, unit="millisecond").cast(pa.timestamp("ms", column.type.tz)).cast(pa.int64())
    elif pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return list(column.to_pylist())
