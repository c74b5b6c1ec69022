"""Reads files by a mapping: rows become events of the contract, and every dropped row is counted with its reason."""

import zlib
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from core.events.catalogue import parse_item
from datasets.fields.acceptance import Dropped, ImportOptions, Json
from datasets.files.parts import main_tables, side_tables
from datasets.files.records import MINIMAL, NO_QUOTING, Style
from datasets.files.rows import Layout, Row, having_columns, read_tables
from datasets.files.tally import Tally
from datasets.formats.side_tables import Joined, catalogue_of, filled_down
from datasets.mapping.columns import needed_columns
from datasets.mapping.document import Mapping
from datasets.mapping.engine import NOTHING, Engine, adopted
from datasets.mapping.envelopes import Unwrapped
from schemas.errors import BadInput
from schemas.event import Rejected

__all__ = ["Dropped", "ImportOptions", "Importer", "Json"]
_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
_PART = "entry of a row dropped: "


@dataclass
class Importer:
    """One mapping over one path. Read ``events`` first, in file order, then ``items``, which may depend on the events.

    An event's id is ``<mapping>-<row>-<CRC-32 of the row>`` where the mapping gives none. Importing a file again yields
    the same ids. Equal rows of one file stay different events, because these data sets do not distinguish a repeated
    export from a repeated act.
    """

    path: Path
    options: ImportOptions
    tally: Tally
    mapping: Mapping
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.options = adopted(self.options, self.mapping)
        self.engine = Engine(self.mapping, self.options, self.tally, flat=self.mapping.format == "csv")
        if "event_time" not in self.mapping.event and self.mapping.envelope == "plain":
            raise BadInput(f"the mapping {self.mapping.name} has no event_time, which files need")
        _ = self.style  # a wrong delimiter is refused before anything is read

    @property
    def name(self) -> str:
        return self.mapping.name

    @cached_property
    def style(self) -> Style:
        """How cells are separated and quoted."""
        delimiter = _NAMED_DELIMITERS.get(self.mapping.delimiter, self.mapping.delimiter)
        if not delimiter or any(character in '"\r\n' for character in delimiter):
            raise BadInput(f"a delimiter is one or more characters or 'tab', no quote or line end: {delimiter!r}")
        quoting = self.mapping.quoting or (NO_QUOTING if delimiter == "\t" or len(delimiter) > 1 else MINIMAL)
        return Style(delimiter, quoting, not self.options.keep_blanks and not delimiter.isspace())

    def layout(self) -> Layout:
        """Return how the event tables are written."""
        mapping = self.mapping
        columns = needed_columns(mapping, self.options.user_column)
        return Layout(
            columns, self.style, mapping.rename, self.options.encoding or mapping.encoding,
            mapping.header and not mapping.columns, mapping.columns, self._makes_event,
        )  # fmt: skip

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Return the numbered rows of the event tables."""
        layout = self.layout()
        tables = main_tables(self.path, self.mapping.files, self.options.table, self.tally.note)
        rows = read_tables(having_columns(tables, layout, self.tally), layout, self.tally)
        if self.mapping.lookup:
            joined = Joined(self.mapping.lookup, self.side_rows)
            rows = ((number, joined.row(row)) for number, row in rows)
        return filled_down(rows, self.mapping, self.tally) if self.mapping.fill_down else rows

    def side_rows(self, pattern: str, columns: Sequence[str], names: Sequence[str] = ()) -> Iterator[Row]:
        """Yield the rows of the tables beside the events; rows dropped there become notes.

        Args: names: of the columns of a table without a header.
        """
        tally = Tally()
        layout = Layout(columns, self.style, encoding=self.options.encoding, has_header=not names, names=names)
        for _, row in read_tables(side_tables(self.path, (pattern,)), layout, tally):
            tally.kept += 1
            yield row
        self.tally.beside[pattern] = tally
        for what, count in (tally.dropped + tally.notes).items():
            self.tally.notes[f"{pattern}: {what}"] += count

    def events(self) -> Iterator[Json]:
        """Yield the events of all acceptable rows; the other rows are counted in ``tally``."""
        engine, tally, learn = self.engine, self.tally, self.engine.items.learn
        is_plain = engine.is_one_event and not (engine.needs_about or engine.needs_time)
        for place, row in self.rows():
            if not is_plain:
                yield from self._several(place, row)
                continue
            try:
                event = engine.event(row, row, NOTHING, self.event_id(place, row))
            except Dropped as reason:
                tally.drop(str(reason), place, tally.cells, reason.example)
            else:
                tally.kept += 1
                learn(event["item_id"], row, row, NOTHING)
                yield event

    def _several(self, place: int, row: Row) -> list[Json]:
        """Return the events of a row that may have several; a row of none is dropped with its first reason."""
        kept, dropped = self.kept(place, row)
        if kept:
            self.tally.kept += 1
            for reason in dropped:
                self.tally.note(_PART + str(reason), reason.example)
        else:
            why = dropped[0] if dropped else Dropped(self.engine.no_entry)
            self.tally.drop(str(why), place, self.tally.cells, why.example)
        return kept

    def kept(self, place: int, row: Row) -> tuple[list[Json], list[Dropped]]:
        """Return the events of a row, and what its other entries lack."""
        engine, kept, dropped, row_id = self.engine, list[Json](), list[Dropped](), self.event_id(place, row)
        try:
            for unwrapped in engine.unwrapped(row):
                record, about = unwrapped.record, self._about(unwrapped)
                for index, entry in enumerate(engine.entries(record)):
                    event_id = row_id if index == 0 else f"{row_id}-{index}"
                    try:
                        event = engine.event(record, entry, about, event_id, unwrapped.op)
                    except Dropped as reason:
                        dropped.append(reason)
                    else:
                        engine.items.learn(event["item_id"], record, entry, about)
                        kept.append(event)
        except Dropped as reason:
            dropped.append(reason)
        return kept, dropped

    def _about(self, unwrapped: Unwrapped) -> Table[str, Any]:
        if not (self.engine.needs_about or self.engine.needs_time):
            return NOTHING
        return {"time": unwrapped.time, "op": unwrapped.op, "file": self.tally.place[0]}

    @cached_property
    def _trial(self) -> Engine:
        """The engine once more, which counts nothing."""
        return Engine(self.mapping, self.options, Tally(), flat=self.mapping.format == "csv")

    def _makes_event(self, row: Row) -> bool:
        engine = self._trial
        try:
            for entry in engine.entries(row):
                engine.event(row, entry, NOTHING, "x")
        except Dropped:
            return False
        return True

    def event_id(self, row_number: int, row: Row) -> str:
        """Return an id that differs between any two rows of a data set and is the same in every import of it."""
        if "event_id" in self.mapping.event:
            return ""
        try:
            cells = "\x1f".join(row.values()).encode()
        except (TypeError, UnicodeEncodeError):  # not all of them are texts
            cells = msgspec.json.encode(row)
        return f"{self.name}-{row_number}-{zlib.crc32(cells):08x}"

    def items(self) -> Iterator[Json]:
        """Return catalogue records, one per item; none when the data set does not describe items."""
        if self.mapping.catalogue is not None:
            return catalogue_of(self.mapping.catalogue, self.engine, self.side_rows)
        return self.engine.items.records()

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
