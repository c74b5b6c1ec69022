"""Protobuf records, bare or framed, by a file of descriptors or by what a registry answers."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.message import DecodeError

from datasets.decoding.framing import CONFLUENT, NONE, is_framed, unframed
from datasets.decoding.registries import Registry, schema_of
from datasets.fields.acceptance import Dropped
from datasets.mapping.document import Mapping
from schemas.errors import BadInput

FORM = "protobuf"
MALFORMED = "malformed Protobuf"
_KNOWN = (
    any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2, descriptor_pb2,
)  # fmt: skip
_TIMESTAMP = "google.protobuf.Timestamp"
_WRAPPERS = frozenset(f"google.protobuf.{name}" for name in wrappers_pb2.DESCRIPTOR.message_types_by_name)
Factory = Callable[[], Any]  # of messages


def protobuf_decoder(mapping: Mapping, registry: Registry | None) -> Callable[[bytes], Any]:
    """Return the decoder; a record that begins with a zero byte is framed, as no bare one does.

    Raises: BadInput when the mapping names neither descriptors and message nor a registry.
    """
    local = _local(mapping) if mapping.schema else None
    if local is None and registry is None:
        raise BadInput(f"the mapping {mapping.name} needs schema (descriptors) and message, or registry, a URL")
    by_number: dict[int, Any] = {}

    def framed(value: bytes) -> Any:
        number, rest = unframed(value)
        indexes, body = _indexes(rest)
        if local is not None:
            return decoded(body, local)
        if number not in by_number:
            by_number[number] = _registered(schema_of(registry, number, FORM)) if registry else None
        return decoded(body, _at(by_number[number], indexes))

    def decode(value: bytes) -> Any:
        if mapping.framing == CONFLUENT or (mapping.framing != NONE and is_framed(value)) or local is None:
            return framed(value)
        return decoded(value, local)

    return decode


def decoded(body: bytes, factory: Factory) -> Any:
    """Return a message as a table of the fields that are set. Raises Dropped."""
    message = factory()
    try:
        message.ParseFromString(body)
    except DecodeError as error:
        raise Dropped(MALFORMED, str(error)[:100]) from None
    return table_of(message)


def table_of(message: Any) -> Any:
    """Return a message's fields by their names; times are milliseconds, enumerations their names."""
    name = message.DESCRIPTOR.full_name
    if name == _TIMESTAMP:
        return message.seconds * 1_000 + message.nanos // 1_000_000
    if name in _WRAPPERS:
        return message.value
    return {field.name: _value(field, value) for field, value in message.ListFields()}


def _value(field: Any, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {str(key): _single(inner, value[key]) for key in value}
    return [_single(field, part) for part in value] if field.is_repeated else _single(field, value)


def _single(field: Any, value: Any) -> Any:
    if field.message_type is not None:
        return table_of(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    return value


def _local(mapping: Mapping) -> Any:
    if not mapping.message:
        raise BadInput(f"the mapping {mapping.name} needs message, the full name of the message in its descriptors")
    try:
        given = descriptor_pb2.FileDescriptorSet.FromString(Path(mapping.schema).read_bytes())
        pool = _pool(given.file)
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(mapping.message))
    except (DecodeError, TypeError) as error:
        raise BadInput(f"{mapping.schema} is no set of descriptors (protoc --descriptor_set_out): {error}") from None
    except KeyError:
        raise BadInput(f"{mapping.schema} has no message {mapping.message}") from None


def _pool(files: Any) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    given = {file.name for file in files}
    for module in _KNOWN:
        if module.DESCRIPTOR.name not in given:
            pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    for file in _in_order(files):
        pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    return pool


def _in_order(files: Any) -> Iterator[Any]:
    """Yield the files, each after those that it imports."""
    left = {file.name: file for file in files}
    while left:
        ready = [file for file in left.values() if not any(name in left for name in file.dependency)]
        if not ready:
            raise TypeError("its files import one another in a circle")
        for file in ready:
            yield left.pop(file.name)


def _registered(answer: Any) -> Any:
    """Return the descriptor of the file that a registry answered with. Raises Dropped."""
    if answer.get("schemaType") != "PROTOBUF":
        raise Dropped("the schema is no Protobuf", str(answer.get("schemaType", "AVRO")))
    try:
        texts = [*answer.get("resolved", ()), answer["schema"]]
        files = [descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(text)) for text in texts]
        return _pool(files).FindFileByName(files[-1].name)
    except (ValueError, KeyError, TypeError, DecodeError) as error:
        raise Dropped("the registry's schema cannot be read", str(error)[:100]) from None


def _at(file: Any, indexes: list[int]) -> Any:
    """Return the message that the indexes lead to: one of the file, then those within."""
    try:
        message = list(file.message_types_by_name.values())[indexes[0]]
        for index in indexes[1:]:
            message = message.nested_types[index]
        return message_factory.GetMessageClass(message)
    except IndexError:
        raise Dropped(MALFORMED, f"the schema has no message {indexes}") from None


def _indexes(value: bytes) -> tuple[list[int], bytes]:
    """Return the indexes of the message in its schema and the rest; a zero stands for the first message."""
    count, at = _varint(value, 0)
    indexes = []
    for _ in range(count):
        index, at = _varint(value, at)
        indexes.append(index)
    return indexes or [0], value[at:]


def _varint(value: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(value) and shift < 35:
        byte = value[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            whole = (number >> 1) ^ -(number & 1)
            if whole < 0 or whole > 1_000:
                break
            return whole, at
    raise Dropped(MALFORMED, "the message's place in its schema is cut")
