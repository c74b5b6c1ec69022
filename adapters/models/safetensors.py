"""Weights in the format safetensors: a header in JSON, then plain numbers. Nothing in it can run."""

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
}
LENGTH_BYTES = 8


def read_safetensors(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays by name. Raises ValueError, KeyError: the bytes are none of that format."""
    if len(data) < LENGTH_BYTES:
        raise ValueError("it is too short")
    (size,) = struct.unpack("<Q", data[:LENGTH_BYTES])
    start = LENGTH_BYTES + size
    arrays = {}
    for name, about in json.loads(data[LENGTH_BYTES:start]).items():
        if name == "__metadata__":
            continue
        first, end = about["data_offsets"]
        dtype = DTYPES[about["dtype"]]
        numbers = np.frombuffer(data, dtype, (end - first) // dtype.itemsize, start + first)
        arrays[name] = numbers.reshape(about["shape"])
    return arrays
