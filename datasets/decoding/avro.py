"""Avro records, bare or framed, each by its writer's schema: the registry's, or that of a file."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro

from datasets.decoding.framing import AUTO, CONFLUENT, NONE, is_framed, unframed
from datasets.decoding.registries import Registry, schema_of
from datasets.fields.acceptance import Dropped
from datasets.mapping.document import Mapping
from schemas.errors import BadInput

FORM = "avro"
MALFORMED = "malformed Avro"
_read = fastavro.schemaless_reader
_UNREADABLE = (EOFError, IndexError, KeyError, ValueError, TypeError, OverflowError, MemoryError, RecursionError)
Schema = Any  # parsed


def avro_decoder(mapping: Mapping, registry: Registry | None) -> Callable[[bytes], Any]:
    """Return the decoder. With ``framing`` auto it tries a framed reading first, where the first byte allows it.

    Raises: BadInput when the mapping names neither a schema nor a registry, or the schema is none.
    """
    local = parsed_schema(_file(mapping.schema)) if mapping.schema else None
    if local is None and registry is None:
        raise BadInput(f"the mapping {mapping.name} needs schema, a file of Avro's (.avsc), or registry, a URL")
    if mapping.framing == NONE and local is None:
        raise BadInput(f"the mapping {mapping.name} needs schema, a file: bare records do not name their schema")
    by_number: dict[int, Schema] = {}

    def written_by(number: int) -> Schema:
        if registry is None:
            return local
        if number not in by_number:
            by_number[number] = registered(schema_of(registry, number, FORM))
        return by_number[number]

    def framed(value: bytes) -> Any:
        number, body = unframed(value)
        return decoded(body, written_by(number))

    def either(value: bytes) -> Any:
        if local is None:
            return framed(value)
        if is_framed(value):
            try:
                return framed(value)
            except Dropped:
                return decoded(value, local)
        return decoded(value, local)

    return {NONE: lambda value: decoded(value, local), CONFLUENT: framed, AUTO: either}[mapping.framing]


def decoded(body: bytes, schema: Schema) -> Any:
    """Return a bare record. Raises Dropped unless the schema reads it to its last byte."""
    stream = io.BytesIO(body)
    try:
        record = _read(stream, schema, None)
    except _UNREADABLE as error:
        raise Dropped(MALFORMED, f"{type(error).__name__} at byte {stream.tell()} of {len(body)}") from None
    if stream.tell() != len(body):
        raise Dropped(MALFORMED, f"{len(body) - stream.tell()} bytes are left over: another schema or framing?")
    return record


def registered(answer: Any) -> Schema:
    """Return the schema that a registry answered with, its references included. Raises Dropped."""
    if answer.get("schemaType", "AVRO") != "AVRO":
        raise Dropped("the schema is no Avro", str(answer["schemaType"]))
    try:
        named: dict[str, Any] = {}
        for reference in answer.get("resolved", ()):
            fastavro.parse_schema(_plain(json.loads(reference)), named_schemas=named)
        return fastavro.parse_schema(_plain(json.loads(answer["schema"])), named_schemas=named)
    except (ValueError, KeyError, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType) as error:
        raise Dropped("the registry's schema cannot be read", str(error)[:100]) from None


def parsed_schema(text: str) -> Schema:
    """Return a schema of Avro's JSON. Raises BadInput."""
    try:
        return fastavro.parse_schema(_plain(json.loads(text)))
    except (ValueError, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType) as error:
        raise BadInput(f"this is no schema of Avro's: {error}") from None


def _file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{name} is no schema of Avro's: it is not UTF-8") from None


def _plain(schema: Any) -> Any:
    """Return the schema with times in milliseconds as the numbers that they are, which is faster to read."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    is_time = schema.get("logicalType") == "timestamp-millis"
    return {key: _plain(part) for key, part in schema.items() if not (is_time and key == "logicalType")}
