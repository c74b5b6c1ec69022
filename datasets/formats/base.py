"""What all importers share: rows in, events of the contract out, every dropped row counted with its reason."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from core.events.catalogue import parse_item
from datasets.fields.acceptance import Dropped, ImportOptions, Json, check, cleaned, with_number
from datasets.fields.numbers import number
from datasets.files.parts import main_tables, side_tables
from datasets.files.rows import Layout, Row, having_columns, read_tables
from datasets.files.tally import Tally
from schemas.event import Rejected

__all__ = ["Dropped", "ImportOptions", "Importer", "Json", "described"]


@dataclass
class Importer(ABC):
    """One format. ``events`` in file order first, then ``items``, which may need what the events said.

    An event's id is ``<format>-<row>-<CRC-32 of the row>``: importing a file again yields the same ids, and equal rows
    of one file stay different events: nothing in these data sets distinguishes a repeated export from a repeated act.
    """

    path: Path
    options: ImportOptions
    tally: Tally

    name: ClassVar[str]
    patterns: ClassVar[tuple[str, ...]]  # names of event tables inside a folder or archive
    columns: ClassVar[tuple[str, ...]]  # that the event table must have, the user's apart
    user_column: ClassVar[str]
    kind_map: ClassVar[Mapping[str, str]] = {}
    renamed: ClassVar[Mapping[str, str]] = {}  # other editions' column names

    @abstractmethod
    def event(self, row: Row) -> Json:
        """The event without its id; raises ``Dropped``, or ``ValueError`` for a time that cannot be read."""

    def learn(self, item_id: str, row: Row) -> None:  # noqa: B027 - most formats have a table of items
        """Take what a kept row says about its item."""

    def items(self) -> Iterator[Json]:
        """Catalogue records, each item once; none where the data set describes no items."""
        return iter(())

    def catalogue(self) -> Iterator[Json]:
        """The records of ``items`` that the contract takes; the others are noted."""
        for item in self.items():
            if not self.options.keep_blanks:
                item["item_id"] = item["item_id"].strip()
            parsed = parse_item(item["item_id"].encode(), msgspec.json.encode(item))
            if isinstance(parsed, Rejected):
                self.tally.note(f"item left out: {parsed.reason}", item["item_id"])
            else:
                yield item

    def layout(self) -> Layout:
        """How the event tables are written."""
        columns = (self._user_column, *self.columns)
        encoding = self.options.encoding
        return Layout(columns, renamed=self.renamed, encoding=encoding, makes_event=self._makes_event)

    def rows(self) -> Iterator[tuple[int, Row]]:
        """The numbered rows of the event tables."""
        layout = self.layout()
        tables = main_tables(self.path, self.patterns, self.options.table, self.tally.note)
        parts = having_columns(tables, layout, self.tally)
        return read_tables(parts, layout, self.tally)

    def side_rows(self, pattern: str, columns: Sequence[str]) -> Iterator[Row]:
        """Rows of the tables beside the events, none if there are none; what is dropped there becomes a note."""
        tally = Tally()
        layout = Layout(columns, encoding=self.options.encoding)
        for _, row in read_tables(side_tables(self.path, (pattern,)), layout, tally):
            tally.kept += 1
            yield row
        self.tally.beside[pattern] = tally
        for what, count in (tally.dropped + tally.notes).items():
            self.tally.notes[f"{pattern}: {what}"] += count

    def events(self) -> Iterator[Json]:
        """Every row that makes an acceptable event; the others are counted in ``tally``."""
        tally = self.tally
        for place, row in self.rows():
            try:
                event = self._accepted(place, row, tally)
            except Dropped as dropped:
                tally.drop(dropped.reason, place, tally.cells, dropped.example)
            except ValueError as error:
                tally.drop("unreadable time", place, tally.cells, str(error)[:100])
            else:
                tally.kept += 1
                self.learn(event["item_id"], row)
                yield event

    def _accepted(self, place: int, row: Row, tally: Tally) -> Json:
        """The event of a row, cleaned and checked; raises ``Dropped`` or ``ValueError``."""
        event = {"event_id": self.event_id(place, row), **self.event(row)}
        cleaned(event, self.options, tally)
        with_number(event, self.options, tally)
        check(event, self.options, self.time_style)
        return event

    def _makes_event(self, row: Row) -> bool:
        try:
            self._accepted(0, row, Tally())
        except (Dropped, ValueError):
            return False
        return True

    def event_id(self, row_number: int, row: Row) -> str:
        """Unlike for any two rows of a data set, alike for every import of it."""
        cells = "\x1f".join(row.values())
        return f"{self.name}-{row_number}-{zlib.crc32(cells.encode()):08x}"

    def user(self, row: Row) -> str:
        """The user's id as text."""
        return row[self._user_column]

    def kind(self, word: str) -> str:
        """The kind that the file calls ``word``."""
        kind = self.options.kind_map.get(word, self.kind_map.get(word, word))
        if kind in self.options.kinds:
            return kind
        raise Dropped(f"no kind for {word!r}" if kind or not word else f"{word!r} left out")

    def price(self, text: str) -> int | float | None:
        """A price, or nothing, counted, where there is none to be read."""
        if not text.strip() or text.strip() in self.options.null:
            return None
        price = number(text, self.options.decimal)
        if price is None or price < 0:
            self.tally.note("price left out: not a number", text)
            return None
        return price

    @property
    def time_style(self) -> str:
        """The style of its times when a user chose it; a wrong one can then be named."""
        return ""

    @property
    def _user_column(self) -> str:
        return self.options.user_column or self.user_column


def described(item_id: str, **fields: Any) -> Json:
    """A catalogue record with only the fields that say something."""
    return {"item_id": item_id, **{key: value for key, value in fields.items() if value not in (None, "", [])}}
