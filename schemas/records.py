"""Encodes the small documents of the stores as JSON, and decodes them into their types."""

import json
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R")


def to_json(record: "DataclassInstance", without: str = "") -> bytes:
    """Return the record's fields by name as ASCII JSON, without the field ``without``."""
    fields = msgspec.to_builtins(record, enc_hook=_plain)  # each micro-batch writes three: faster than ``asdict``
    fields.pop(without, None)
    return json.dumps(fields, sort_keys=True).encode()


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's."""
    return value.item()


def from_json(kind: type[R], text: bytes) -> R:
    """Return the record that the text holds.

    Fields of newer versions are ignored; those that older versions did not write have their defaults.
    Raises: ValueError when the text is not such a record.
    """
    # msgspec's own JSON decoder refuses lone surrogates, which a name given as an argument may contain.
    return msgspec.convert(json.loads(text), kind, str_keys=True)
