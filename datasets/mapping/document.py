"""A mapping as a person writes it: a TOML or JSON document, read strictly."""

import json
import tomllib
from collections.abc import Mapping as Table
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from core.settings.nearest import nearest
from datasets.files.records import MINIMAL, NO_QUOTING
from datasets.files.text import require_encoding
from datasets.mapping.envelopes import DELETES, ENVELOPES
from datasets.mapping.expressions import CHANGES, SOURCES
from schemas.errors import BadInput

FORMATS = ("json", "csv", "avro", "protobuf")
FRAMINGS = ("auto", "confluent", "none")
REQUIRED = ("user_id", "item_id", "kind")
CONDITIONS = ("is_in", "not_in", "starts", "missing")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Drop:
    """A rule by which records are left out: ``value`` is an expression, ``condition`` one of ``CONDITIONS``."""

    value: dict[str, Any]
    condition: str
    operand: Any
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """A table of items beside the events: the pattern of its name, its fields and the rows that are left out."""

    files: str
    fields: Table[str, Any]
    drop: tuple[Drop, ...] = ()
    columns: tuple[str, ...] = ()  # of a table without a header


@dataclass(frozen=True)
class Lookup:
    """A table whose columns join the rows by ``on``; ``running`` adds up a column in the order of rows, per ``per``."""

    files: str
    on: str
    columns: tuple[str, ...]
    running: str = ""
    per: str = ""


@dataclass(frozen=True)
class Mapping:
    """How a record becomes events and items; see docs/bring-your-data.md for each part."""

    name: str
    event: Table[str, Any]
    about: str = ""  # what it is for
    format: str = "json"
    envelope: str = "plain"
    deletes: str = "skip"
    records: str = ""  # where a message has an array of whole records
    each: Any = None  # where a record has an array of events
    files: tuple[str, ...] = ("*.csv", "*.tsv", "*.txt", "*.jsonl", "*.ndjson", "*.json", "*.parquet")
    item: Table[str, Any] = field(default_factory=dict)
    drop: tuple[Drop, ...] = ()
    catalogue: Catalogue | None = None
    lookup: Lookup | None = None
    rename: Table[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()  # of rows without a header, in order
    optional: tuple[str, ...] = ()  # columns that a table may lack
    header: bool = True
    delimiter: str = ","
    quoting: str = ""
    encoding: str = ""
    decimal: str = "."
    null: tuple[str, ...] = ()
    keep_blanks: bool = False
    fill_down: tuple[str, ...] = ()
    fill_within: str = ""
    schema: str = ""  # a file, from the mapping's folder
    registry: str = ""
    framing: str = "auto"
    message: str = ""  # of Protobuf


def read_mapping(path: Path) -> Mapping:
    """Return the mapping of a TOML or JSON file; the files that it names lie in its folder.

    Raises: BadInput names the part of the document that is wrong.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise BadInput(f"{path} is no mapping: it has more than {_MAX_BYTES >> 20} MiB")
    try:
        mapping = text_mapping(path.read_text(encoding="utf-8-sig"), path.stem, path.suffix.lower() == ".json")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is no mapping: it is not UTF-8") from None
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return replace(mapping, schema=str(path.parent / mapping.schema)) if mapping.schema else mapping


def text_mapping(text: str, name: str, is_json: bool = False) -> Mapping:
    """Return the mapping that a text of TOML or JSON holds. Raises BadInput."""
    try:
        given = json.loads(text) if is_json else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"this is no {'JSON' if is_json else 'TOML'}: {error}") from None
    return parsed(given, name)


def parsed(given: Any, name: str) -> Mapping:
    """Return the mapping that a document holds. Raises BadInput."""
    if not isinstance(given, dict):
        raise BadInput("a mapping is a table with at least [event]")
    known = {entry.name: entry for entry in fields(Mapping) if entry.name != "name"}
    for key in given:
        if key not in known:
            raise BadInput(f"{key!r} is no part of a mapping: {nearest(key, known)}")
    parts = {key: _part(key, value, known[key]) for key, value in given.items()}
    _one_of(parts, "format", FORMATS)
    _one_of(parts, "envelope", ENVELOPES)
    _one_of(parts, "deletes", DELETES)
    _one_of(parts, "framing", FRAMINGS)
    _one_of(parts, "quoting", ("", NO_QUOTING, MINIMAL))
    _one_of(parts, "decimal", (".", ","))
    require_encoding(parts.get("encoding", ""))
    if not all(isinstance(name, str) for name in parts.get("rename", {}).values()):
        raise BadInput("rename must be a table of texts: a column's name in the file and its usual one")
    event = parts.setdefault("event", {})
    for key in REQUIRED:
        if key not in event:
            raise BadInput(f'[event] needs {key}: a path such as {key} = "customer.id", or {{ const = … }}')
    return Mapping(name=name, **parts)


def _part(key: str, value: Any, entry: Any) -> Any:
    if key == "drop":
        return _drops(value)
    if key == "catalogue":
        return _catalogue(value)
    if key == "lookup":
        return _lookup(value)
    if key == "each":
        return value
    default = entry.default if entry.default is not MISSING else {}
    return _typed(key, value, tuple if isinstance(default, tuple) else type(default))


def _typed(key: str, value: Any, kind: type) -> Any:
    if kind is tuple:
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
            raise BadInput(f"{key} must be a list of texts, not {value!r}")
        return tuple(listed)
    if not isinstance(value, kind):
        names = {str: "a text", bool: "true or false", dict: "a table"}
        raise BadInput(f"{key} must be {names[kind]}, not {value!r}")
    return value


def _one_of(parts: dict[str, Any], key: str, known: tuple[str, ...]) -> None:
    if key in parts and parts[key] not in known:
        raise BadInput(f"{key} must be one of {', '.join(known)}, not {parts[key]!r}")


def _drops(given: Any) -> tuple[Drop, ...]:
    if not isinstance(given, list) or not all(isinstance(rule, dict) for rule in given):
        raise BadInput("drop must be written as [[drop]], each with a path and one of " + ", ".join(CONDITIONS))
    return tuple(_drop(rule) for rule in given)


def _drop(rule: dict[str, Any]) -> Drop:
    conditions = [name for name in CONDITIONS if name in rule]
    if len(conditions) != 1:
        raise BadInput(f"[[drop]] needs one of {', '.join(CONDITIONS)}: {rule}")
    value = {key: part for key, part in rule.items() if key not in (conditions[0], "reason")}
    named = next((str(value[source]) for source in SOURCES if source in value), "record")
    for key in value:
        if key not in (*SOURCES, *CHANGES, "take", "by"):
            raise BadInput(f"[[drop]] has an unknown part {key!r}: {nearest(key, (*SOURCES, *CONDITIONS))}")
    operand, reason = rule[conditions[0]], rule.get("reason", f"left out by {named}")
    if conditions[0].endswith("in") and not isinstance(operand, list):
        raise BadInput(f"[[drop]]: {conditions[0]} takes a list")
    return Drop(value, conditions[0], operand, reason)


def _catalogue(given: Any) -> Catalogue:
    if not isinstance(given, dict) or not isinstance(given.get("files"), str) or "item_id" not in given:
        raise BadInput("[catalogue] needs files, the pattern of its tables' names, and item_id")
    columns = _typed("catalogue.columns", given.get("columns", []), tuple)
    shown = {key: value for key, value in given.items() if key not in ("files", "drop", "columns")}
    return Catalogue(given["files"], shown, _drops(given.get("drop", [])), columns)


def _lookup(given: Any) -> Lookup:
    wanted = {entry.name for entry in fields(Lookup)}
    if not isinstance(given, dict) or not {"files", "on", "columns"} <= given.keys() <= wanted:
        raise BadInput(f"[lookup] needs files, on and columns, and may have running and per: {given}")
    return Lookup(**{key: _typed(key, value, tuple if key == "columns" else str) for key, value in given.items()})
