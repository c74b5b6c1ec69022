"""Confluent's framing: a zero byte and the number of the writer's schema, before the record itself."""

import struct
from typing import NamedTuple

from datasets.fields.acceptance import Dropped

CONFLUENT, NONE, AUTO = "confluent", "none", "auto"
MAGIC = 0
_HEADER = struct.Struct(">bI")


class Framed(NamedTuple):
    """A record without its header; ``schema`` is the number of its writer's schema."""

    schema: int
    body: bytes


def is_framed(value: bytes) -> bool:
    """Return whether a record may be framed; a bare one of Avro may begin so by chance."""
    return len(value) > _HEADER.size and value[0] == MAGIC


def unframed(value: bytes) -> Framed:
    """Return the record without its header. Raises Dropped where it has none."""
    if not is_framed(value):
        what = f"the first byte is {value[0]:#04x}" if value else "it is empty"
        raise Dropped("no Confluent framing", f"{what}; framing = none and a schema file read bare records")
    return Framed(_HEADER.unpack_from(value)[1], value[_HEADER.size :])
