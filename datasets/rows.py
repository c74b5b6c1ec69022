"""Reads delimited text as it really is: cut rows, wrong encodings, BOMs, repeated headers, broken archives."""

import codecs
import csv
import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import BinaryIO, cast

from datasets.parts import Part
from datasets.tally import Tally
from schemas.errors import BadInput

Row = dict[str, str]
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the default of 128 KiB turns one stray quote into an error


@dataclass(frozen=True)
class Layout:
    """How a table is written; ``renamed`` gives a header's names their usual ones, ``columns`` must then be there."""

    columns: Sequence[str]
    delimiter: str = ","
    renamed: Mapping[str, str] = field(default_factory=dict)


def read_tables(parts: Iterable[Part], layout: Layout, tally: Tally) -> Iterator[tuple[int, Row]]:
    """Yield (row number, row) of all parts in order; numbers start at 1 and go on from part to part.

    A row number counts every row below a header, dropped ones too, so it names the same row on every run.

    Raises:
        BadInput: a part has no header or lacks a column; lists the columns it has.
    """
    numbers = count(1)
    for part in parts:
        yield from _read_table(part, layout, tally, numbers)


def _read_table(part: Part, layout: Layout, tally: Tally, numbers: Iterator[int]) -> Iterator[tuple[int, Row]]:
    with part.open() as raw:
        cells = _cells(csv.reader(_lines(raw, part.name, tally), delimiter=layout.delimiter), tally)
        written = next((each for each in cells if each), [])
        header = [layout.renamed.get(name.strip(), name.strip()) for name in written]
        _require_columns(header, layout.columns, part.name)
        width = len(header)
        for fields, number in zip(cells, numbers, strict=False):
            if len(fields) == width and not (fields[0] == written[0] and fields == written):
                yield number, dict(zip(header, fields, strict=True))
            else:
                tally.drop(_misfit(fields, width))


def _misfit(fields: list[str], width: int) -> str:
    if not any(fields):
        return "blank line"
    if len(fields) == width:
        return "repeated header"
    return "cut row" if len(fields) < width else "row with too many fields"


def _require_columns(header: Sequence[str], columns: Sequence[str], name: str) -> None:
    missing = [column for column in columns if column not in header]
    if missing:
        has = ", ".join(header) or "none, it is empty"
        raise BadInput(f"{name} has no column {', '.join(map(repr, missing))}; its columns: {has}")


def _cells(reader: Iterator[list[str]], tally: Tally) -> Iterator[list[str]]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            tally.drop("unreadable row")


def _lines(raw: BinaryIO, name: str, tally: Tally) -> Iterator[str]:
    """Decoded lines; one that is not UTF-8 is read as Windows-1252, which older exports are in."""
    first = True
    for line in _utf8_lines(raw, name, tally):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            tally.note("line not UTF-8, read as Windows-1252")
            text = line.decode("cp1252", errors="replace")
        yield text.removeprefix("\ufeff") if first else text
        first = False


def _utf8_lines(raw: BinaryIO, name: str, tally: Tally) -> Iterator[bytes]:
    """Lines as bytes, up to where an archive is broken; UTF-16 (spreadsheet exports) is known by its BOM."""
    try:
        with io.BufferedReader(cast(io.RawIOBase, raw), 1 << 16) as buffered:
            if buffered.peek(2)[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                yield from buffered
                return
            with io.TextIOWrapper(buffered, encoding="utf-16", errors="replace", newline="") as wide:
                yield from (line.encode() for line in wide)
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile):
        tally.note(f"{name} is damaged, read up to there")
