"""Reads delimited text as it really is: cut rows, stray quotes, repeated headers, columns by name or by place."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, count, islice
from typing import Any

from datasets.files.blocks import ROWS, Block, Cells, Row
from datasets.files.json_rows import is_json, json_rows
from datasets.files.parquet_rows import is_parquet, parquet_columns, parquet_rows
from datasets.files.parts import Part
from datasets.files.records import Cells as Record
from datasets.files.records import Records, Style
from datasets.files.tally import Tally
from datasets.files.text import line_blocks
from schemas.errors import BadInput

_PLACE = re.compile(r"#?([1-9][0-9]{0,4})")
_MOST_SHOWN = 500  # characters of a header
_SEPARATORS = {";": "semicolon", "\t": "tab", "|": "pipe", ",": "comma", "::": "::"}


@dataclass(frozen=True)
class Layout:
    """How a table is written; ``renamed`` gives a header's names their usual ones, ``columns`` must then be there.

    A column may be named by its place, ``#1`` for the first; without a header all are.
    """

    columns: Sequence[str]
    style: Style = field(default_factory=Style)
    renamed: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    has_header: bool = True
    names: Sequence[str] = ()  # of the columns of a table without a header
    makes_event: Callable[[Row], bool] = lambda row: False  # by which rows inside a quoted cell are known
    is_flat: bool = True  # its columns are those of every table; else only those of one of text


class LacksColumn(BadInput):
    """A table is not the one that is meant, or a column is misspelt."""


def read_tables(parts: Iterable[Part], layout: Layout, tally: Tally) -> Iterator[Block]:
    """Yield the rows of all parts in order; numbers start at 1 and continue from part to part.

    A row number counts every row below a header, dropped ones too, so it names the same row on every run.

    Raises:
        BadInput: a part has no header or lacks a column, or a column's name occurs twice; lists the columns it has.
    """
    numbers, there = count(1), list(parts)
    total, done = sum(part.size for part in there), 0
    for part in there:
        with part.open() as (raw, position):
            for block in _blocks(raw, part.name, layout, tally, numbers):
                if tally.reached:
                    tally.reached(done + position(), total)
                yield block
        done += part.size


def form_of(raw: Any) -> str:
    """Return what the first bytes of a table say that it is: csv, json or parquet."""
    try:
        return "parquet" if is_parquet(raw) else "json" if is_json(raw) else "csv"
    except EOFError:  # damaged from its start, which its reader reports
        return "csv"


def _blocks(raw: Any, name: str, layout: Layout, tally: Tally, numbers: Iterator[int]) -> Iterator[Block]:
    """Yield the rows of one table, whose first bytes say what it is."""
    form = form_of(raw)
    if form == "parquet":
        return parquet_rows(raw, name, partial(_typed_places, layout=layout, name=name), tally, numbers)
    if form == "json":
        return json_rows(raw, name, tally, numbers)
    table = _Table(name, Records(line_blocks(raw, name, layout.encoding, tally), layout.style, tally))
    return table.blocks(layout, tally, numbers)


def having_columns(parts: list[Part], layout: Layout, tally: Tally) -> list[Part]:
    """Return those of several tables that have the columns; the others are noted.

    Raises:
        BadInput: none has them, or one has one of them twice.
    """
    if len(parts) == 1:
        return parts
    fitting, missing = [], []
    for part in parts:
        try:
            _require_header(part, layout)
        except LacksColumn as error:
            missing.append((part.name, str(error)))
        else:
            fitting.append(part)
    if not fitting:
        raise BadInput("no table fits: " + "; ".join(error for _, error in missing))
    for name, _ in missing:
        tally.note(f"{name} left out, it lacks a named column (--table chooses)")
    return fitting


def _require_header(part: Part, layout: Layout) -> None:
    """Raise as ``read_tables`` for a table whose columns are not those of the layout."""
    with part.open() as (raw, _):
        form = form_of(raw)
        if form == "parquet":
            _typed_places(parquet_columns(raw, part.name), layout, part.name)
        elif form == "csv":
            records = Records(line_blocks(raw, part.name, layout.encoding, Tally()), layout.style, Tally())
            _Table(part.name, records).header(layout, Tally())


def _typed_places(header: Sequence[str], layout: Layout, name: str) -> dict[str, int]:
    """Return the places of the columns of a table that is no text. Raises as ``read_tables``."""
    names = [layout.renamed.get(column, column) for column in header]
    if layout.is_flat:
        _require_columns(names, replace(layout, has_header=False), name)
    return _all_places(names, layout)


class _Table:
    """One table's records as rows."""

    def __init__(self, name: str, records: Records) -> None:
        self._name, self._records, self._cells = name, records, iter(records)
        self._first: list[Record] = []  # of a table without a header
        self._written: Record = []  # the header as it stands there; empty without one

    def header(self, layout: Layout, tally: Tally) -> list[str]:
        """Return the columns' names; put back a first record that is no header. Raises BadInput as ``read_tables``."""
        first = next(self._above(tally), [])
        if layout.has_header:
            self._written = first
            if first:
                tally.explained["header"] += 1
                self._explain_further(tally)
            names = [layout.renamed.get(name.strip(), name.strip()) for name in first]
        else:
            names = [*layout.names[: len(first)]]
            names += [f"#{place}" for place in range(len(names) + 1, len(first) + 1)]
            self._first = [first] if first else []
        _require_columns(names, layout, self._name)
        return names

    def blocks(self, layout: Layout, tally: Tally, numbers: Iterator[int]) -> Iterator[Block]:
        """Yield the rows of the header's width; count the others."""
        header, records, written = self.header(layout, tally), self._records, self._written
        places = _all_places(header, layout)
        width = records.width = len(header)
        records.is_row = lambda cells: layout.makes_event({name: cells[place] for name, place in places.items()})
        for together in chain([self._first] if self._first else [], records.in_parts()):
            where: Sequence[int] = range(records.line, records.line + len(together))
            count = list(islice(numbers, len(together)))
            if set(map(len, together)) != {width} or written in together or records.lines > 1:
                together, count, where = self._judged(together, count, where, tally)
            for start in range(0, len(together), ROWS):
                part = slice(start, start + ROWS)
                rows = Cells(places, zip(*together[part], strict=True))
                yield Block(self._name, count[part], where[part], rows, rows.cells)

    def _judged(
        self, records: Sequence[Record], numbers: Sequence[int], lines: Sequence[int], tally: Tally
    ) -> tuple[list[Record], list[int], list[int]]:
        """Return the records that are rows, with their numbers and lines; drop and count the others."""
        width, rows = self._records.width, list[tuple[Record, int, int]]()
        for cells, number, line in zip(records, numbers, lines, strict=True):
            tally.place = (self._name, line)
            if self._records.lines > 1:
                self._explain_further(tally)
                tally.note("record of several lines")
            if len(cells) == width and cells != self._written:
                rows.append((cells, number, line))
            elif len(cells) > width and any(cells) and not any(cells[width:]):
                tally.note("empty cells beyond the header's")
                rows.append((cells[:width], number, line))
            else:
                tally.drop(_misfit(cells, width), number, cells)
        return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]

    def _above(self, tally: Tally) -> Iterator[Record]:
        """Yield records from the first that says something; a spreadsheet's line ``sep=;`` says nothing."""
        for cells in self._cells:
            if not any(cells):
                tally.place = (self._name, self._records.line)
                tally.drop("blank line")
            elif cells[0].lower().startswith("sep=") and len("".join(cells)) <= len("sep=;"):
                tally.explained["line that names the separator"] += 1
            else:
                yield cells

    def _explain_further(self, tally: Tally) -> None:
        if self._records.lines > 1:
            tally.explained["inside quoted cells"] += self._records.lines - 1


def _misfit(cells: Record, width: int) -> str:
    if not any(cells):
        return "blank line"
    if len(cells) == width:
        return "repeated header"
    return "cut row" if len(cells) < width else "row with too many fields"


def _all_places(header: Sequence[str], layout: Layout) -> dict[str, int]:
    return {name: place for place, name in enumerate(header)} | dict(_places(header, layout.columns))


def _places(header: Sequence[str], columns: Iterable[str]) -> list[tuple[str, int]]:
    """Return the columns that are named by their place, and not by a name in the header."""
    places = ((name, _PLACE.fullmatch(name)) for name in dict.fromkeys(columns) if name not in header)
    return [(name, int(match[1]) - 1) for name, match in places if match and int(match[1]) <= len(header)]


def _require_columns(header: Sequence[str], layout: Layout, name: str) -> None:
    placed = {column for column, _ in _places(header, layout.columns)}
    missing = [column for column in layout.columns if column not in header and column not in placed]
    if missing:
        has = _shortened(", ".join(header)) or "none, it is empty"
        hint = _hint(header, layout)
        raise LacksColumn(f"{name} has no column {', '.join(map(repr, missing))}; its columns: {has}{hint}")
    for column in layout.columns:
        if Counter(header)[column] > 1:
            places = [f"#{place}" for place, named in enumerate(header, 1) if named == column]
            raise BadInput(
                f"{name} has {len(places)} columns {column!r}: name the one that is meant by its place, "
                + " or ".join(places)
            )


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _hint(header: Sequence[str], layout: Layout) -> str:
    """Return what the header suggests that the options lack."""
    if any(name.startswith('"') for name in header):
        return "; they are quoted: use --quoting minimal"
    if len(header) == 1:
        likely = [name for mark, name in _SEPARATORS.items() if mark in header[0] and mark != layout.style.delimiter]
        return f"; use --delimiter {likely[0]}" if likely else ""
    return "; if the first line is no header: --no-header" if layout.has_header and header else ""
