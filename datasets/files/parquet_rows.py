"""Parquet files as rows: values keep their types, times become epoch milliseconds."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from datasets.files.blocks import ROWS, Block, Cells
from datasets.files.tally import Tally
from schemas.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAGIC = b"PAR1"
ROWS_AT_ONCE = 20_000


def is_parquet(raw: "io.BufferedReader[Any]") -> bool:
    """Return whether a file begins as a Parquet file does."""
    return raw.peek(len(MAGIC))[: len(MAGIC)] == MAGIC


Places = Callable[[Sequence[str]], Mapping[str, int]]  # of columns, by the names under which they are read


def parquet_rows(
    raw: "io.BufferedReader[Any]", name: str, places: Places, tally: Tally, numbers: Iterator[int]
) -> Iterator[Block]:
    """Yield the rows; each counts as a line. A packed file is read into memory, as its end comes first.

    Args: places: returns the places of columns by the file's own names of them.
    Raises: BadInput when the file is damaged, and what ``places`` raises.
    """
    with _read(name):
        file = _opened(raw)
        there, place = places(file.schema_arrow.names), 1
        for batch in file.iter_batches(ROWS_AT_ONCE):
            for start in range(0, batch.num_rows, ROWS):
                rows = Cells(there, map(_values, batch.slice(start, ROWS).columns))
                tally.lines += len(rows)
                lines = range(place, place + len(rows))
                place = lines.stop
                yield Block(name, list(islice(numbers, len(rows))), lines, rows, rows.cells)


def parquet_columns(raw: "io.BufferedReader[Any]", name: str) -> list[str]:
    """Return the names of the columns. Raises BadInput when the file is damaged."""
    with _read(name):
        return list(_opened(raw).schema_arrow.names)


def _opened(raw: "io.BufferedReader[Any]") -> "pq.ParquetFile":
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.ParquetFile(pa.PythonFile(raw, mode="r") if _is_plain(raw) else io.BytesIO(raw.read()))


@contextmanager
def _read(name: str) -> Iterator[None]:
    """Make one error of all that Arrow raises for a file that it cannot read."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.strerror:  # the disk's, not Arrow's
            raise
        raise BadInput(f"{name} is a damaged Parquet file, or one that Arrow cannot read: {error}") from None


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
