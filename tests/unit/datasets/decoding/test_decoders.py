"""Avro and Protobuf as people have them: framed or bare, by the writer's schema, cut, evolving, in an envelope."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest
from google.protobuf import descriptor_pb2, message_factory, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool

from adapters.log.registry import SchemaRegistry
from schemas.errors import BadInput, LogUnavailable, SettingsError
from tests.kit.registry import Registered, registry
from tests.kit.relayed import NOW, relayed, transform_of

SCHEMA = {
    "type": "record", "name": "Click", "fields": [
        {"name": "user", "type": "string"}, {"name": "item", "type": ["null", "long"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}  # fmt: skip
EVOLVED = {**SCHEMA, "fields": [{"name": "shop", "type": "string"}, *SCHEMA["fields"]]}
EVENT = {"user_id": "user", "item_id": "item", "kind": {"const": "view"}, "event_time": "at"}
CLICK = {"user": "ann", "item": 7, "at": NOW}


def avro(schema: dict[str, Any], value: dict[str, Any], number: int | None = None) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return (b"" if number is None else b"\0" + number.to_bytes(4, "big")) + out.getvalue()


def click(number: int | None = None) -> bytes:
    return avro(SCHEMA, CLICK, number)


@pytest.fixture(scope="module")
def served() -> Iterator[Registered]:
    """A registry with Confluent's interface, a real server."""
    with registry() as running:
        yield running


def made(value: bytes, document: dict[str, Any], source: Any = None) -> tuple[list[tuple[str, str]], str]:
    """Users and items of the events, and the reason of the dead letter."""
    rows, wrong = relayed(transform_of({"event": EVENT, **document}, source), value)
    return [(row["user_id"], row["item_id"]) for row in rows], str(wrong or "")


def by_file(tmp_path: Path, **more: Any) -> dict[str, Any]:
    (tmp_path / "click.avsc").write_text(json.dumps(SCHEMA))
    return {"format": "avro", "schema": str(tmp_path / "click.avsc"), **more}


@pytest.mark.parametrize("framing", ["auto", "none"])
def test_bare_avro_is_read_by_a_schema_file(tmp_path: Path, framing: str) -> None:
    assert made(click(), by_file(tmp_path, framing=framing)) == ([("ann", "7")], "")


@pytest.mark.parametrize("framing", ["auto", "confluent"])
def test_the_header_is_stripped_before_a_local_schema_is_used(tmp_path: Path, framing: str) -> None:
    assert made(click(number=41), by_file(tmp_path, framing=framing)) == ([("ann", "7")], "")


def test_a_bare_record_that_begins_like_a_framed_one_is_read(tmp_path: Path) -> None:
    value = avro(SCHEMA, {**CLICK, "user": "", "item": 7})
    assert value[0] == 0
    assert made(value, by_file(tmp_path)) == ([], "no user_id")


def test_the_wrong_framing_is_named_and_never_nonsense(tmp_path: Path) -> None:
    assert made(click(), by_file(tmp_path, framing="confluent")) == ([], "no Confluent framing")
    assert made(click(number=1), by_file(tmp_path, framing="none"))[1] == "malformed Avro"


def test_a_record_that_is_cut_anywhere_is_a_dead_letter(tmp_path: Path) -> None:
    value = click()
    for length in range(len(value)):
        assert made(value[:length], by_file(tmp_path)) == ([], "malformed Avro")
    assert made(value + b"\0", by_file(tmp_path)) == ([], "malformed Avro")


def test_each_record_is_read_by_its_writers_schema_while_that_evolves(served: Registered) -> None:
    old, new = served.add(json.dumps(SCHEMA)), served.add(json.dumps(EVOLVED))
    source = SchemaRegistry(served.url)
    transform = transform_of({"event": {**EVENT, "source": "shop"}, "format": "avro", "registry": served.url}, source)
    values = [avro(SCHEMA, CLICK, old), avro(EVOLVED, {**CLICK, "shop": "s"}, new), avro(SCHEMA, CLICK, old)]
    events = [relayed(transform, value)[0][0] for value in values]
    assert [event.get("source") for event in events] == [None, "s", None]
    assert served.asked.count(f"/schemas/ids/{old}") == 1


def test_a_schema_that_refers_to_others_is_read(served: Registered) -> None:
    inner = {"type": "record", "name": "Shop", "namespace": "x", "fields": [{"name": "name", "type": "string"}]}
    served.subject("shop", 1, json.dumps(inner))
    fields = [*SCHEMA["fields"], {"name": "shop", "type": "x.Shop"}]
    number = served.add(json.dumps({**SCHEMA, "fields": fields}), references=[("x.Shop", "shop", 1)])
    whole = fastavro.parse_schema({**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "shop", "type": inner}]})
    value = avro(whole, {**CLICK, "shop": {"name": "s"}}, number)
    document = {"event": {**EVENT, "source": "shop.name"}, "format": "avro", "registry": served.url}
    [event], _ = relayed(transform_of(document, SchemaRegistry(served.url)), value)
    assert event["source"] == "s"


def test_an_unknown_schema_is_a_dead_letter_and_a_registry_that_is_away_is_none(served: Registered) -> None:
    document = {"format": "avro", "registry": served.url}
    assert made(click(number=9_999), document, SchemaRegistry(served.url)) == ([], "unknown schema")
    with pytest.raises(LogUnavailable, match="does not answer"):
        made(click(number=1), document, SchemaRegistry("http://127.0.0.1:9"))
    with pytest.raises(LogUnavailable, match="does not answer"):
        made(click(number=served.add("", status=500)), document, SchemaRegistry(served.url))
    with pytest.raises(SettingsError, match="name and password"):
        made(click(number=served.add("", status=401)), document, SchemaRegistry(served.url))


def test_a_registrys_password_is_sent_and_never_shown(served: Registered) -> None:
    number = served.add(json.dumps(SCHEMA))
    url = served.url.replace("http://", "http://ann:secret@")
    assert made(click(number), {"format": "avro", "registry": url}, SchemaRegistry(url)) == ([("ann", "7")], "")
    assert served.logins[-1] == "Basic " + base64.b64encode(b"ann:secret").decode()
    with pytest.raises(LogUnavailable) as failed:
        SchemaRegistry("http://ann:secret@127.0.0.1:9").schema(1, "avro")
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("with_registry", [False, True])
def test_debezium_in_avro_is_read_with_a_registry_and_without(
    with_registry: bool, served: Registered, tmp_path: Path
) -> None:
    row = {"type": "record", "name": "Row", "fields": [{"name": "u", "type": "string"}, {"name": "i", "type": "long"}]}
    envelope = {
        "type": "record", "name": "Envelope", "fields": [
            {"name": "before", "type": ["null", row]}, {"name": "after", "type": ["null", "Row"]},
            {"name": "op", "type": "string"}, {"name": "ts_ms", "type": ["null", "long"]},
        ],
    }  # fmt: skip
    document = {"event": {"user_id": "u", "item_id": "i", "kind": {"const": "purchase"}}, "envelope": "debezium"}
    (tmp_path / "e.avsc").write_text(json.dumps(envelope))
    schema = {"registry": served.url} if with_registry else {"schema": str(tmp_path / "e.avsc")}
    number = served.add(json.dumps(envelope)) if with_registry else None
    source = SchemaRegistry(served.url) if with_registry else None
    change = {"before": None, "after": {"u": "ann", "i": 7}, "op": "c", "ts_ms": NOW}
    value = avro(fastavro.parse_schema(envelope), change, number)
    assert made(value, {**document, **schema, "format": "avro"}, source) == ([("ann", "7")], "")
    deleted = avro(
        fastavro.parse_schema(envelope), {**change, "op": "d", "before": change["after"], "after": None}, number
    )
    assert made(deleted, {**document, **schema, "format": "avro"}, source) == ([], "")


@pytest.mark.parametrize("framing", ["auto", "confluent", "none"])
def test_avro_without_what_its_framing_needs_is_refused(framing: str) -> None:
    with pytest.raises(BadInput, match="needs schema"):
        transform_of({"event": EVENT, "format": "avro", "framing": framing})


def descriptors() -> descriptor_pb2.FileDescriptorSet:
    """What ``protoc --include_imports --descriptor_set_out`` makes of a message Click beside another one."""
    file = descriptor_pb2.FileDescriptorProto(name="click.proto", package="shop", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    file.message_type.add(name="Other")
    message = file.message_type.add(name="Click")
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, (name, kind, named) in enumerate(
        [("user", kinds.TYPE_STRING, ""), ("item", kinds.TYPE_INT64, ""),
         ("at", kinds.TYPE_MESSAGE, ".google.protobuf.Timestamp")], 1,
    ):  # fmt: skip
        more = {"type_name": named} if named else {}
        message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL, **more)
    stamp = descriptor_pb2.FileDescriptorProto.FromString(timestamp_pb2.DESCRIPTOR.serialized_pb)
    return descriptor_pb2.FileDescriptorSet(file=[file, stamp])


def proto_click() -> bytes:
    pool = DescriptorPool()
    for file in reversed(descriptors().file):
        pool.AddSerializedFile(file.SerializeToString())
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Click"))(user="ann", item=7)
    message.at.seconds, message.at.nanos = divmod(NOW, 1_000)[0], 5_000_000
    return bytes(message.SerializeToString())


@pytest.mark.parametrize("header", [b"", b"\0\0\0\0\x09\x02\x02", b"\0\0\0\0\x09\0"])
def test_protobuf_is_read_by_descriptors_bare_or_framed(header: bytes, tmp_path: Path) -> None:
    (tmp_path / "click.desc").write_bytes(descriptors().SerializeToString())
    document = {"format": "protobuf", "schema": str(tmp_path / "click.desc"), "message": "shop.Click"}
    assert made(header + proto_click(), document) == ([("ann", "7")], "")
    assert made(header + proto_click()[:-1], document)[1] == "malformed Protobuf"
    with pytest.raises(BadInput, match="has no message"):
        transform_of({"event": EVENT, **document, "message": "shop.Clack"})


def test_protobuf_is_read_by_a_registry_which_knows_the_message_by_its_place(served: Registered) -> None:
    text = base64.b64encode(descriptors().file[0].SerializeToString()).decode()
    number = served.add(text, form="PROTOBUF")
    source, document = SchemaRegistry(served.url), {"format": "protobuf", "registry": served.url}
    header = b"\0" + number.to_bytes(4, "big")
    assert made(header + b"\x02\x02" + proto_click(), document, source) == ([("ann", "7")], "")
    for wrong in (b"\x02\x0c", b"\x02", b"\xff\xff\xff\xff\xff\xff"):
        assert made(header + wrong, document, source) == ([], "malformed Protobuf")
    assert served.asked[-1] == f"/schemas/ids/{number}?format=serialized"


ROW = {"format": "csv", "columns": ["user", "item", "at"]}


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0b", "\x0c", "\x1e", "\u2029"])
def test_only_line_ends_of_csv_end_a_row_of_a_message(separator: str) -> None:
    value = f"ann,{NOW},{NOW}\r\nbob,7,{NOW}\n"
    rows = made(value.encode(), {**ROW, "event": {**EVENT, "event_time": {"path": "at", "time": "epoch-ms"}}})
    assert rows == ([("ann", str(NOW)), ("bob", "7")], "")
    event = {**EVENT, "category": "title", "event_time": {"path": "at", "time": "epoch-ms"}}
    titled = {**ROW, "columns": ["user", "item", "title", "at"], "event": event}
    assert made(f"ann,7,a{separator}b,{NOW}".encode(), titled) == ([("ann", "7")], "")


def test_a_message_of_csv_is_read_as_a_file_of_it_is() -> None:
    event = {**EVENT, "event_time": {"path": "at", "time": "epoch-ms"}}
    assert made(
        f'\ufeff{NOW}, "a, b", ann'.encode(), {"format": "csv", "columns": ["at", "item", "user"], "event": event}
    ) == (
        [("ann", "a, b")],
        "",
    )
    assert made(f'ann\t6" nail\t{NOW}'.encode(), {**ROW, "delimiter": "tab", "event": event}) == (
        [("ann", '6" nail')],
        "",
    )
