"""Records as JSON: how the small documents of the stores are written, and read as the types that they are."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R")


def to_json(record: "DataclassInstance", without: str = "") -> bytes:
    """The record's fields by name, ``without`` one that is not stored; in ASCII, so that any text can be stored."""
    return json.dumps(
        {name: value for name, value in asdict(record).items() if name != without}, sort_keys=True
    ).encode()


def from_json(kind: type[R], text: bytes) -> R:
    """The record that the text holds.

    Fields of newer versions are ignored; those that older versions did not write have their defaults.
    Raises: ValueError when the text is no such record.
    """
    # Not msgspec's own reader of JSON: it refuses half a surrogate pair, which a name given by an argument may hold.
    return msgspec.convert(json.loads(text), kind, str_keys=True)
