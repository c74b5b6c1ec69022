"""A classifier without its last layer: what its classes are told from becomes what the model returns.

Only the model's list of nodes is read, by the field numbers of onnx.proto3. The change is a few bytes behind the file:
messages of one field that follow one another are merged, so a second ``graph`` adds an output to the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.models.graph import FIXED32, LENGTH, VARINT, field

FIXED64 = 1
GRAPH, NODE, OUTPUT = 7, 1, 12
PASSED = {"Softmax", "LogSoftmax", "Sigmoid", "Add", "Identity", "Cast", "Flatten", "Reshape", "Squeeze"}
LAST = {"Gemm", "MatMul"}


@dataclass(frozen=True)
class _Node:
    kind: str
    inputs: list[str]
    outputs: list[str]


def without_last_layer(model: bytes) -> tuple[bytes, str] | None:
    """Return the model with the input of its last dense layer as an output more, and that output's name.

    None: the model does not end in a dense layer, so its output is features already.
    Raises: ValueError, UnicodeDecodeError: the bytes are no such model.
    """
    graph = next((part for number, part in _fields(model) if number == GRAPH), b"")
    parts = [(number, part) for number, part in _fields(graph) if number in (NODE, OUTPUT)]
    made = {name: node for number, part in parts if number == NODE for node in [_node(part)] for name in node.outputs}
    outputs = [_text(part, 1) for number, part in parts if number == OUTPUT]
    at = made.get(outputs[0]) if outputs else None
    while at is not None and at.kind in PASSED:
        at = next((made[name] for name in at.inputs if name in made), None)
    if at is None or at.kind not in LAST or at.inputs[0] not in made:
        return None
    name = at.inputs[0]
    if name in outputs:
        return model, name
    return model + field(GRAPH, field(OUTPUT, field(1, name))), name


def _node(part: bytes) -> _Node:
    entries = [(number, payload.decode()) for number, payload in _fields(part) if number in (1, 2, 4)]
    kind = next((text for number, text in entries if number == 4), "")
    return _Node(kind, [text for number, text in entries if number == 1], [t for number, t in entries if number == 2])


def _text(part: bytes, wanted: int) -> str:
    return next((payload.decode() for number, payload in _fields(part) if number == wanted), "")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the payload of each field of a message that has a length."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == LENGTH:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("cut off")
            yield number, message[at : at + size]
            at += size
        elif wire == VARINT:
            _, at = _varint(message, at)
        elif wire in (FIXED32, FIXED64):
            at += 4 if wire == FIXED32 else 8
        else:
            raise ValueError(f"a field of wire type {wire}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("cut off")
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
