"""Encodes the small documents of the stores as JSON, and decodes them into their types."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R")


def to_json(record: "DataclassInstance", without: str = "") -> bytes:
    """Return the record's fields by name as ASCII JSON, without those in ``without``."""
    return json.dumps(
        {name: value for name, value in asdict(record).items() if name != without}, sort_keys=True
    ).encode()


def from_json(kind: type[R], text: bytes) -> R:
    """Return the record that the text holds.

    Fields of newer versions are ignored; those that older versions did not write have their defaults.
    Raises: ValueError when the text is not such a record.
    """
    # msgspec's own JSON decoder refuses lone surrogates, which a name given as an argument may contain.
    return msgspec.convert(json.loads(text), kind, str_keys=True)
