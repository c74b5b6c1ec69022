"""Lines as records of cells. A quote that opens a cell and is never closed costs at most its own row."""

import csv
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from datasets.files.tally import Tally

MAX_CELL = 1 << 20  # characters of a quoted cell that spans lines; beyond them its quote counts as stray
NO_QUOTING, MINIMAL = "none", "minimal"
STRAY_QUOTE = "stray quote, read as a character"
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # MAX_CELL decides; the default turns one long cell into an error
Cells = list[str]
_LONE_RETURN = re.compile(r"(?<=\r)(?=[^\r\n])")


@dataclass(frozen=True)
class Style:
    """How cells are separated and quoted; ``skip_blanks`` ignores blanks after a separator."""

    delimiter: str = ","
    quoting: str = MINIMAL
    skip_blanks: bool = False

    def split(self, line: str) -> Cells:
        """Return the cells of one line on its own: only a quote that is closed before a separator quotes."""
        text = line.rstrip("\r\n")
        if self.quoting == NO_QUOTING:
            return [self._bare(cell) for cell in text.split(self.delimiter)]
        cells = self._cell.findall(text + self.delimiter)
        return [quoted[1:-1].replace('""', '"') if quoted else bare for quoted, bare in cells]

    def _bare(self, cell: str) -> str:
        return cell.lstrip(" ") if self.skip_blanks else cell

    @cached_property
    def _cell(self) -> "re.Pattern[str]":
        end, blanks = re.escape(self.delimiter), " *" if self.skip_blanks else ""
        return re.compile(f'{blanks}(?:("(?:[^"]|"")*")|(.*?)){end}', re.DOTALL)


class _StrayQuote(Exception):
    """The record that is being read began with a quote that quotes nothing."""


class Records:
    """Iterates over the records of one table; ``line`` is where the latest began, ``lines`` how many lines it took.

    A record of several lines counts only if its quotes are in order, it has the header's ``width``, and none of its
    further lines is a good row on its own (``is_row``). Otherwise its first line is a record, and the others are read
    again.
    """

    def __init__(self, lines: Iterator[list[str]], style: Style, tally: Tally) -> None:
        self.width = 0  # unknown until the header is read
        self.is_row: Callable[[Cells], bool] = lambda cells: False
        self.line, self.lines, self._after = 1, 0, 1
        self._source, self._style, self._tally = lines, style, tally
        self._taken: list[str] = []  # of the record that is being read
        self._again: list[str] = []  # to be read before the source, the last one first
        self._characters = 0
        self._ended = False

    def __iter__(self) -> Iterator[Cells]:
        for cells in self._read() if len(self._style.delimiter) == 1 else self._split():
            self._count(len(self._taken), 1)
            self._taken.clear()
            yield cells

    def _count(self, lines: int, records: int) -> None:
        self.line, self.lines = self._after, lines // records
        self._after += lines

    def in_parts(self) -> Iterator[list[Cells]]:
        """Yield the records, many at once where each line is one for certain; ``line`` is that of the first."""
        one_by_one = iter(self)
        while lines := self._again[::-1] or next(self._source, []):
            if records := self._together(lines):
                self._again = []
                self._count(len(lines), len(records))
                yield records
                continue
            self._again = lines[::-1]
            while self._again and (cells := next(one_by_one, None)) is not None:
                yield [cells]

    def _together(self, lines: list[str]) -> list[Cells]:
        """Return one record for each line, or none if it takes a closer look to say which lines are one."""
        if len(self._style.delimiter) > 1:
            return [self._style.split(line) if line.strip("\r\n") else [] for line in lines]
        try:
            records = list(self._reader(lines))
        except csv.Error:
            return []
        if len(records) != len(lines) or (records[-1] and records[-1][-1].endswith(("\n", "\r"))):
            return []
        if self._style.quoting != NO_QUOTING and '"' in "".join(lines):
            width, is_last_open = self.width, '"' in lines[-1] and not lines[-1].endswith(("\n", "\r"))
            if is_last_open or any(len(r) != width and '"' in line for r, line in zip(records, lines, strict=True)):
                return []
        return records

    def _split(self) -> Iterator[Cells]:
        while (line := self._next()) is not None:
            self._taken.append(line)
            yield self._style.split(line) if line.strip("\r\n") else []

    def _next(self) -> str | None:
        if not self._again:
            self._again = next(self._source, [])[::-1]
        return self._again.pop() if self._again else None

    def _read(self) -> Iterator[Cells]:
        reader = self._reader(iter(self._next_line, None))
        while True:
            self._ended = False
            try:
                cells = next(reader)
                alone = self._ended or (len(self._taken) > 1 and not self._stands(cells))
            except StopIteration:
                return
            except (_StrayQuote, csv.Error):
                cells, alone = [], True
            misfit = self.width and len(cells) != self.width and len(self._taken) == 1 and '"' in self._taken[0]
            if alone or misfit:
                cells = self._first_alone(cells, alone)
            yield cells
            if self._ended:  # inside quotes: the iterator is exhausted, its lines are not
                reader = self._reader(iter(self._next_line, None))

    def _reader(self, lines: Iterable[str | None], strict: bool = False) -> Iterator[Cells]:
        style = self._style
        quoting = csv.QUOTE_NONE if style.quoting == NO_QUOTING else csv.QUOTE_MINIMAL
        form = {"delimiter": style.delimiter, "quoting": quoting, "skipinitialspace": style.skip_blanks}
        return csv.reader(cast(Iterable[str], lines), strict=strict, **form)  # type: ignore[arg-type]

    def _next_line(self) -> str | None:
        line = self._next()
        if line is None:
            self._ended = True
            return None
        taken = self._taken
        taken.append(line)
        if len(taken) > 1:
            self._characters += len(line)
            if self._characters > MAX_CELL or self._is_row(line):
                raise _StrayQuote
        else:
            self._characters = 0
        return line

    def _is_row(self, line: str) -> bool:
        """Return whether a line inside a quoted cell is a row of its own, and the quote before it a stray one."""
        if '"' in line and not self._is_good(self._taken[0]):
            return False  # the end of a record whose beginning is no row either
        return self._is_good(line)

    def _is_good(self, line: str) -> bool:
        """Return whether a line makes a good row on its own."""
        cells = self._style.split(line)
        return len(cells) == self.width and self.is_row(cells)

    def _stands(self, cells: Cells) -> bool:
        """Return whether a record of several lines is well formed: each closing quote ends its cell."""
        try:
            next(self._reader(self._taken, strict=True))
        except csv.Error:
            return False
        return not self.width or len(cells) == self.width

    def _first_alone(self, cells: Cells, certainly: bool) -> Cells:
        """Return the cells of the first line read alone, or those given if that makes no better row."""
        self._again.extend(reversed(self._taken[1:]))
        del self._taken[1:]
        alone = self._style.split(self._taken[0])
        if len(alone) != self.width and self._rows_in_one():
            alone = self._style.split(self._taken[0])
        if len(alone) == self.width and '"' in self._taken[0]:
            self._tally.note(STRAY_QUOTE)
            return alone
        return alone if certainly else cells

    def _rows_in_one(self) -> bool:
        """Return whether the line is rather several rows that carriage returns separate; the first one replaces it."""
        rows = _LONE_RETURN.split(self._taken[0])
        if len(rows) == 1 or any(len(self._style.split(row)) != self.width for row in rows):
            return False
        self._taken[0] = rows[0]
        self._again.extend(reversed(rows[1:]))
        self._tally.lines += len(rows) - 1
        return True
