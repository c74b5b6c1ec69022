"""Arrow's byte columns in the form that compiled code takes: one array of bytes, and where each value starts."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def octets(column: pa.BinaryArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of a binary column end to end, and its n + 1 starts; a null becomes an empty value."""
    filled = column.fill_null(b"") if column.null_count else column
    _, offsets, data = filled.buffers()
    if len(column) == 0 or offsets is None:
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    starts = np.frombuffer(offsets, np.int32)[filled.offset : filled.offset + len(filled) + 1].astype(np.int64)
    whole = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return whole[starts[0] : starts[-1]], starts - starts[0]


def binary(data: NDArray[np.uint8], starts: NDArray[np.int64]) -> pa.BinaryArray:
    """Return the binary column of bytes and starts: the inverse of ``octets``.

    Raises:
        OverflowError: the bytes exceed what one column can hold.
    """
    if starts[-1] > np.iinfo(np.int32).max:
        raise OverflowError("rows of more than 2 GiB at once: lower max_events_per_batch")
    buffers = [None, pa.py_buffer(starts.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.BinaryArray.from_buffers(pa.binary(), len(starts) - 1, buffers)
