"""Models in ONNX's format, written without the package onnx: its messages are few, and it alone would take 30 MB.

The numbers are those of the fields in onnx.proto3 (Apache-2.0).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOAT, INT64 = 1, 7  # TensorProto.DataType
DTYPES = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}
OPSET, IR_VERSION = 17, 8
VARINT, FIXED32, LENGTH = 0, 5, 2  # wire types
Attribute = int | float | str | Sequence[int]


def varint(number: int) -> bytes:
    """Return a number in seven bits per byte, the lowest first."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: int | str | bytes) -> bytes:
    """Return one field of a message: a whole number, a text, or the bytes of a message."""
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value)
    payload = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | LENGTH) + varint(len(payload)) + payload


def node(kind: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> bytes:
    """Return a node of a graph (NodeProto)."""
    out = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind)
    return out + b"".join(field(5, _attribute(name, value)) for name, value in attributes.items())


def tensor(name: str, array: NDArray[Any]) -> bytes:
    """Return constant numbers (TensorProto)."""
    dims = b"".join(field(1, size) for size in array.shape)
    return dims + field(2, DTYPES[array.dtype]) + field(8, name) + field(9, np.ascontiguousarray(array).tobytes())


def value(name: str, shape: Sequence[int | str], kind: int = FLOAT) -> bytes:
    """Return an input or output (ValueInfoProto); a text in its shape names a size that is open."""
    dims = b"".join(field(1, field(1, size) if isinstance(size, int) else field(2, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def model(
    nodes: Sequence[bytes], constants: Mapping[str, NDArray[Any]], inputs: Sequence[bytes], outputs: Sequence[bytes]
) -> bytes:
    """Return a whole model (ModelProto)."""
    graph = b"".join(
        [
            *(field(1, entry) for entry in nodes),
            field(2, "millrace"),
            *(field(5, tensor(name, array)) for name, array in constants.items()),
            *(field(11, entry) for entry in inputs),
            *(field(12, entry) for entry in outputs),
        ]
    )
    return field(1, IR_VERSION) + field(2, "millrace") + field(7, graph) + field(8, field(1, "") + field(2, OPSET))


def _attribute(name: str, given: Attribute) -> bytes:
    """Return an AttributeProto; the last field says which kind of value it has."""
    if isinstance(given, float):
        number = varint(2 << 3 | FIXED32) + np.float32(given).tobytes()
        return field(1, name) + number + field(20, 1)
    if isinstance(given, int):
        return field(1, name) + field(3, given) + field(20, 2)
    if isinstance(given, str):
        return field(1, name) + field(4, given) + field(20, 3)
    return field(1, name) + b"".join(field(8, entry) for entry in given) + field(20, 7)
