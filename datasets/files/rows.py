"""Reads delimited text as it really is: cut rows, stray quotes, repeated headers, columns by name or by place."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from datasets.files.json_rows import is_json, json_rows
from datasets.files.parquet_rows import is_parquet, parquet_rows
from datasets.files.parts import Part
from datasets.files.records import Cells, Records, Style
from datasets.files.tally import Tally
from datasets.files.text import text_lines
from schemas.errors import BadInput

Row = dict[str, Any]  # of texts, if the table is one of text
REPORTED_EVERY = 5_000  # rows
_PLACE = re.compile(r"#?([1-9][0-9]{0,4})")
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


class LacksColumn(BadInput):
    """A table is not the one that is meant, or a column is misspelt."""


def read_tables(parts: Iterable[Part], layout: Layout, tally: Tally) -> Iterator[tuple[int, Row]]:
    """Yield (row number, row) of all parts in order; numbers start at 1 and continue from part to part.

    A row number counts every row below a header, dropped ones too, so it names the same row on every run.

    Raises:
        BadInput: a part has no header or lacks a column, or a column's name occurs twice; lists the columns it has.
    """
    numbers, there = count(1), list(parts)
    total, done = sum(part.size for part in there), 0
    for part in there:
        with part.open() as (raw, position):
            for number, row in _rows(raw, part.name, layout, tally, numbers):
                if number % REPORTED_EVERY == 0 and tally.reached:
                    tally.reached(done + position(), total)
                yield number, row
        done += part.size


def form_of(raw: Any) -> str:
    """Return what the first bytes of a table say that it is: csv, json or parquet."""
    try:
        return "parquet" if is_parquet(raw) else "json" if is_json(raw) else "csv"
    except EOFError:  # damaged from its start, which its reader reports
        return "csv"


def _rows(raw: Any, name: str, layout: Layout, tally: Tally, numbers: Iterator[int]) -> Iterator[tuple[int, Row]]:
    """Yield the numbered rows of one table, whose first bytes say what it is."""
    form = form_of(raw)
    if form == "parquet":
        return ((number, row) for row, number in zip(parquet_rows(raw, name, tally), numbers, strict=False))
    if form == "json":
        return json_rows(raw, name, tally, numbers)
    table = _Table(name, Records(text_lines(raw, name, layout.encoding, tally), layout.style, tally))
    return table.rows(layout, tally, numbers)


def having_columns(parts: list[Part], layout: Layout, tally: Tally) -> list[Part]:
    """Return those of several tables that have the columns; the others are noted.

    Raises:
        BadInput: none has them, or one has one of them twice.
    """
    if len(parts) == 1:
        return parts
    fitting, missing = [], []
    for part in parts:
        with part.open() as (raw, _):
            if form_of(raw) != "csv":
                fitting.append(part)
                continue
            records = Records(text_lines(raw, part.name, layout.encoding, Tally()), layout.style, Tally())
            try:
                _Table(part.name, records).header(layout, Tally())
            except LacksColumn as error:
                missing.append((part.name, str(error)))
            else:
                fitting.append(part)
    if not fitting:
        raise BadInput("no table fits: " + "; ".join(error for _, error in missing))
    for name, _ in missing:
        tally.note(f"{name} left out, it lacks a named column (--table chooses)")
    return fitting


class _Table:
    """One table's records as rows."""

    def __init__(self, name: str, records: Records) -> None:
        self._name, self._records, self._cells = name, records, iter(records)
        self._written: Cells = []  # the header as it stands there; empty without one

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
            self._cells = chain([first] if first else [], self._cells)
        _require_columns(names, layout, self._name)
        return names

    def rows(self, layout: Layout, tally: Tally, numbers: Iterator[int]) -> Iterator[tuple[int, Row]]:
        """Yield each row of the header's width; count the others."""
        header, records, written = self.header(layout, tally), self._records, self._written
        places = _places(header, layout.columns)
        width = records.width = len(header)
        first = written[0] if written else None

        def row_of(cells: Cells) -> Row:
            row = dict(zip(header, cells, strict=True))
            for name, place in places:
                row[name] = cells[place]
            return row

        records.is_row = lambda cells: layout.makes_event(row_of(cells))
        for cells, number in zip(self._cells, numbers, strict=False):
            tally.place, tally.cells = (self._name, records.line), cells
            if records.lines > 1:
                self._explain_further(tally)
                tally.note("record of several lines")
            if len(cells) == width and not (cells[0] == first and cells == written):
                yield number, row_of(cells)
            elif len(cells) > width and any(cells) and not any(cells[width:]):
                tally.note("empty cells beyond the header's")
                yield number, row_of(cells[:width])
            else:
                tally.drop(_misfit(cells, width), number, cells)

    def _above(self, tally: Tally) -> Iterator[Cells]:
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


def _misfit(cells: Cells, width: int) -> str:
    if not any(cells):
        return "blank line"
    if len(cells) == width:
        return "repeated header"
    return "cut row" if len(cells) < width else "row with too many fields"


def _places(header: Sequence[str], columns: Iterable[str]) -> list[tuple[str, int]]:
    """Return the columns that are named by their place, and not by a name in the header."""
    places = ((name, _PLACE.fullmatch(name)) for name in dict.fromkeys(columns) if name not in header)
    return [(name, int(match[1]) - 1) for name, match in places if match and int(match[1]) <= len(header)]


def _require_columns(header: Sequence[str], layout: Layout, name: str) -> None:
    placed = {column for column, _ in _places(header, layout.columns)}
    missing = [column for column in layout.columns if column not in header and column not in placed]
    if missing:
        has = ", ".join(header) or "none, it is empty"
        hint = _hint(header, layout)
        raise LacksColumn(f"{name} has no column {', '.join(map(repr, missing))}; its columns: {has}{hint}")
    for column in layout.columns:
        if Counter(header)[column] > 1:
            places = [f"#{place}" for place, named in enumerate(header, 1) if named == column]
            raise BadInput(
                f"{name} has {len(places)} columns {column!r}: name the one that is meant by its place, "
                + " or ".join(places)
            )


def _hint(header: Sequence[str], layout: Layout) -> str:
    """Return what the header suggests that the options lack."""
    if any(name.startswith('"') for name in header):
        return "; they are quoted: use --quoting minimal"
    if len(header) == 1:
        likely = [name for mark, name in _SEPARATORS.items() if mark in header[0] and mark != layout.style.delimiter]
        return f"; use --delimiter {likely[0]}" if likely else ""
    return "; if the first line is no header: --no-header" if layout.has_header and header else ""
