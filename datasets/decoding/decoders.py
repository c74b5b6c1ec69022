"""The decoder that a mapping asks for."""

import csv
import io
from collections.abc import Callable
from typing import Any

import msgspec

from datasets.decoding.registries import Registry
from datasets.fields.acceptance import Dropped
from datasets.files.records import MINIMAL, NO_QUOTING
from datasets.mapping.document import Mapping
from schemas.errors import BadInput

Decode = Callable[[bytes], Any]  # raises Dropped
_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


def decoder_of(mapping: Mapping, registry: Registry | None) -> Decode:
    """Return the decoder of a mapping's format.

    Raises: BadInput when the mapping lacks what its format needs.
    """
    if mapping.format == "csv":
        return _csv(mapping)
    if mapping.format == "avro":
        from datasets.decoding.avro import avro_decoder

        return avro_decoder(mapping, registry)
    if mapping.format == "protobuf":
        from datasets.decoding.protobuf import protobuf_decoder

        return protobuf_decoder(mapping, registry)
    return _json


_decoded = msgspec.json.decode


def _json(value: bytes) -> Any:
    try:
        return _decoded(value)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Dropped("malformed JSON", _hint(value) or str(error)) from None


def _hint(value: bytes) -> str:
    """Return what a value may be instead."""
    if value[:1] == b"\0" and len(value) > 5:
        return f"it begins as Confluent's framing does, schema {int.from_bytes(value[1:5])}: format avro or protobuf"
    return "it is UTF-8 with a byte order mark" if value.startswith(b"\xef\xbb\xbf") else ""


def _csv(mapping: Mapping) -> Decode:
    """Return the decoder of rows without a header; a message may hold several."""
    columns, width = mapping.columns, len(mapping.columns)
    if not columns:
        raise BadInput(f"the mapping {mapping.name} needs columns, the names in order: a record of CSV has no header")
    delimiter = _DELIMITERS.get(mapping.delimiter, mapping.delimiter)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise BadInput(f"delimiter must be one character or 'tab', no quote or line end, not {delimiter!r}")
    quotes = (mapping.quoting or (NO_QUOTING if delimiter == "\t" else MINIMAL)) == MINIMAL
    form: dict[str, Any] = {
        "delimiter": delimiter,
        "quoting": csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        "skipinitialspace": not (mapping.keep_blanks or delimiter.isspace()),
    }
    encoding = mapping.encoding or "utf-8"

    def decode(value: bytes) -> Any:
        try:
            lines = io.StringIO(value.decode(encoding).removeprefix("\ufeff"), newline="")
            rows = [row for row in csv.reader(lines, strict=True, **form) if row]
        except UnicodeDecodeError:
            raise Dropped(f"not {encoding}", repr(value[:80])) from None
        except csv.Error as error:
            raise Dropped("malformed CSV", str(error)) from None
        for row in rows:
            if len(row) != width:
                what = "cut row" if len(row) < width else "row with too many fields"
                raise Dropped(what, f"{len(row)} fields instead of {width}")
        return [dict(zip(columns, row, strict=True)) for row in rows]

    return decode
