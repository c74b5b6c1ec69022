"""Proposes a mapping for a file: a format by name where its columns are known, else one made of names and values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from datasets.fields.acceptance import ImportOptions
from datasets.files.blocks import Block, Row
from datasets.files.parts import Part, main_tables
from datasets.files.records import MINIMAL, NO_QUOTING, Style
from datasets.files.rows import Layout, form_of, read_tables
from datasets.files.tally import Tally
from datasets.files.text import text_lines
from datasets.formats import NAMES, format_named
from datasets.formats.base import Importer
from datasets.importing.likely import ROLES, array_of_events, column_of, is_decimal_comma, kind_words, time_style
from datasets.mapping.columns import needed_columns
from datasets.mapping.document import Mapping as MappingDocument
from datasets.mapping.document import parsed
from datasets.mapping.written import toml_text
from schemas.errors import BadInput

SAMPLE_BLOCKS = 3
_LINES = 20
_MOST_SHOWN = 500  # characters of a header
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "::": "::"}
_ALL = ("*",)


@dataclass(frozen=True)
class Guess:
    """A mapping as a document and as TOML; ``format``: its name if it comes with Millrace.

    ``rows``: how many were looked at.   ``kept``: how many of these make events by it.
    """

    document: Mapping[str, Any]
    text: str
    format: str
    rows: int
    kept: int


def guess(path: Path, options: ImportOptions) -> Guess:
    """Return a mapping for the first table of a path.

    Raises: BadInput when the file has no rows, or nothing in it that could be a user, an item or a time.
    """
    part = main_tables(path, (options.table or "*",), options.table)[0]
    form, delimiter = _form(part, options)
    quoting = NO_QUOTING if delimiter == "\t" else MINIMAL
    layout = Layout((), Style(delimiter, quoting, delimiter != "\t"), encoding=options.encoding)
    blocks = list(islice(read_tables([part], layout, Tally()), SAMPLE_BLOCKS))
    rows = [row for block in blocks for row in block.rows]
    if not rows:
        raise BadInput(f"{path} holds no row to guess from")
    name = _known_format(rows[0], form)
    document = {} if name else _document(rows, form, delimiter, options)
    mapping = format_named(name) if name else parsed(document, "guess")
    text = f"# This is the format {name}: import it by that name.\n" if name else toml_text(document, _COMMENT)
    return Guess(document, text, name, len(rows), _kept(mapping, path, blocks, options))


_COMMENT = "Proposed by `millrace import guess`: check it, above all the words of kinds, and try it with --dry-run."


def _form(part: Part, options: ImportOptions) -> tuple[str, str]:
    """Return csv, json or parquet, and the delimiter of a csv."""
    with part.open() as (raw, _):
        form = form_of(raw)
        if form != "csv":
            return form, ","
        lines = list(islice(text_lines(raw, part.name, options.encoding, Tally()), _LINES))
    steady: dict[str, int] = {}
    for mark in _DELIMITERS:
        steady[mark] = min((line.count(mark) for line in lines if line.strip()), default=0)
    likely = max(steady, key=lambda mark: steady[mark] * len(mark))
    return form, likely if steady[likely] else ","


def _known_format(row: Row, form: str) -> str:
    """Return the format whose columns the row has, the one with the most of them; empty if there is none."""
    fitting = {}
    for name in NAMES:
        mapping = format_named(name)
        needed = [mapping.rename.get(column, column) for column in needed_columns(mapping)]
        if mapping.columns or (mapping.format == "csv") != (form != "json"):
            continue
        array = [mapping.each] if isinstance(mapping.each, str) else []
        if len(needed) > 1 and all(_has(row, column) for column in (*needed, *array)):
            fitting[name] = len(needed)
    return max(fitting, key=fitting.__getitem__, default="")


def _has(row: Row, path: str) -> bool:
    return path.split(".")[0].split("[")[0] in row


def _document(rows: Sequence[Row], form: str, delimiter: str, options: ImportOptions) -> dict[str, Any]:
    array, entries = array_of_events(rows)
    columns = {f"@.{name}": values for name, values in _by_column(entries).items()} if array else {}
    columns |= _by_column(rows)
    chosen = {role: column_of(role, columns) for role in ROLES}
    if options.user_column:
        chosen["user_id"] = options.user_column
    for role in ("user_id", "item_id", "event_time"):
        if not chosen[role]:
            raise _unlike(role, columns, form)
    event: dict[str, Any] = {
        "event_time": {"path": chosen["event_time"], **time_style(columns[chosen["event_time"]])},
        "user_id": chosen["user_id"],
        "item_id": chosen["item_id"],
        "kind": _kind(chosen, columns, options),
    }
    event |= {role: chosen[role] for role in ("value", "category", "session_id", "event_id") if chosen[role]}
    item = {role: chosen[role] for role in ("title", "brand", "price") if chosen[role]}
    amounts = [columns[chosen[role]] for role in ("value", "price") if chosen[role]]
    document: dict[str, Any] = {"format": "csv"} if form != "json" else {"format": "json"}
    if form == "csv" and delimiter != ",":
        document["delimiter"] = _DELIMITERS[delimiter]
    if any(map(is_decimal_comma, amounts)):
        document["decimal"] = ","
    if array:
        document["each"] = array
    return {**document, "event": event, **({"item": item} if item else {})}


def _unlike(role: str, columns: Mapping[str, Any], form: str) -> BadInput:
    """Return the error of a file without a column for a role."""
    named = ", ".join(columns)[:_MOST_SHOWN]
    first = "; if that is no header, its columns are #1, #2, … of `import csv --no-header`" if form == "csv" else ""
    return BadInput(f"no column looks like the {role}: name the columns of `import csv`; there are {named}{first}")


def _kind(chosen: Mapping[str, str], columns: Mapping[str, list[Any]], options: ImportOptions) -> dict[str, Any]:
    column = chosen["kind"]
    if not column:
        rated = chosen["value"] and "rating" in chosen["value"].lower()
        return {"const": "rating" if rated else "purchase" if chosen["price"] or chosen["value"] else "view"}
    words = kind_words(columns[column], options.kinds)
    return {"path": column, **({"words": words} if words else {})}


def _by_column(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Return the values of each column, also of objects in objects, by their paths."""
    columns: dict[str, list[Any]] = {}

    def take(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for name, part in value.items():
                take(part, f"{path}.{name}" if path else name)
        elif not isinstance(value, list):
            columns.setdefault(path, []).append(value)

    for row in rows:
        take(row, "")
    return columns


def _kept(mapping: MappingDocument, path: Path, blocks: Sequence[Block], options: ImportOptions) -> int:
    """Return how many of the rows make an event."""
    importer = Importer(path, options, Tally(), mapping)
    for block in blocks:
        importer.made(block)
    return importer.tally.kept
