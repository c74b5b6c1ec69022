"""What all formats share: rows become events of the contract, and every dropped row is counted with its reason."""

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
    """One format. Read ``events`` first, in file order, then ``items``, which may depend on the events.

    An event's id is ``<format>-<row>-<CRC-32 of the row>``. Importing a file again yields the same ids. Equal rows of
    one file stay different events, because these data sets do not distinguish a repeated export from a repeated act.
    """

    path: Path
    options: ImportOptions
    tally: Tally

    name: ClassVar[str]
    patterns: ClassVar[tuple[str, ...]]  # names of event tables inside a folder or archive
    columns: ClassVar[tuple[str, ...]]  # that the event table must have besides the user's
    user_column: ClassVar[str]
    kind_map: ClassVar[Mapping[str, str]] = {}
    renamed: ClassVar[Mapping[str, str]] = {}  # other editions' column names

    @abstractmethod
    def event(self, row: Row) -> Json:
        """Return the event without its id; raises ``Dropped``, or ``ValueError`` for a time that cannot be read."""

    def learn(self, item_id: str, row: Row) -> None:  # noqa: B027 - most formats have a table of items
        """Take what a kept row says about its item."""

    def items(self) -> Iterator[Json]:
        """Return catalogue records, one per item; none when the data set does not describe items."""
        return iter(())

    def catalogue(self) -> Iterator[Json]:
        """Yield the records of ``items`` that the contract accepts; the others are noted."""
        for item in self.items():
            if not self.options.keep_blanks:
                item["item_id"] = item["item_id"].strip()
            parsed = parse_item(item["item_id"].encode(), msgspec.json.encode(item))
            if isinstance(parsed, Rejected):
                self.tally.note(f"item left out: {parsed.reason}", item["item_id"])
            else:
                yield item

    def layout(self) -> Layout:
        """Return how the event tables are written."""
        columns = (self._user_column, *self.columns)
        encoding = self.options.encoding
        return Layout(columns, renamed=self.renamed, encoding=encoding, makes_event=self._makes_event)

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Return the numbered rows of the event tables."""
        layout = self.layout()
        tables = main_tables(self.path, self.patterns, self.options.table, self.tally.note)
        parts = having_columns(tables, layout, self.tally)
        return read_tables(parts, layout, self.tally)

    def side_rows(self, pattern: str, columns: Sequence[str]) -> Iterator[Row]:
        """Yield the rows of the tables beside the events; rows dropped there become notes."""
        tally = Tally()
        layout = Layout(columns, encoding=self.options.encoding)
        for _, row in read_tables(side_tables(self.path, (pattern,)), layout, tally):
            tally.kept += 1
            yield row
        self.tally.beside[pattern] = tally
        for what, count in (tally.dropped + tally.notes).items():
            self.tally.notes[f"{pattern}: {what}"] += count

    def events(self) -> Iterator[Json]:
        """Yield the events of all acceptable rows; the other rows are counted in ``tally``."""
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
        """Return the event of a row, cleaned and checked; raises ``Dropped`` or ``ValueError``."""
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
        """Return an id that differs between any two rows of a data set and is the same in every import of it."""
        cells = "\x1f".join(row.values())
        return f"{self.name}-{row_number}-{zlib.crc32(cells.encode()):08x}"

    def user(self, row: Row) -> str:
        """Return the user's id as text."""
        return row[self._user_column]

    def kind(self, word: str) -> str:
        """Return the kind that the file calls ``word``."""
        kind = self.options.kind_map.get(word, self.kind_map.get(word, word))
        if kind in self.options.kinds:
            return kind
        raise Dropped(f"no kind for {word!r}" if kind or not word else f"{word!r} left out")

    def price(self, text: str) -> int | float | None:
        """Return the price that a text writes, or None; a text that is no price is noted."""
        if not text.strip() or text.strip() in self.options.null:
            return None
        price = number(text, self.options.decimal)
        if price is None or price < 0:
            self.tally.note("price left out: not a number", text)
            return None
        return price

    @property
    def time_style(self) -> str:
        """The style of times that the user chose, so that a message can name a wrong choice; else empty."""
        return ""

    @property
    def _user_column(self) -> str:
        return self.options.user_column or self.user_column


def described(item_id: str, **fields: Any) -> Json:
    """Return a catalogue record without its empty fields."""
    return {"item_id": item_id, **{key: value for key, value in fields.items() if value not in (None, "", [])}}
