"""Reads files by a mapping: rows become events of the contract, and every dropped row is counted with its reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from core.events.catalogue import parse_item
from datasets.fields.acceptance import Dropped, ImportOptions, Json, LeftOut
from datasets.files.blocks import Block, Row, rows_of
from datasets.files.parts import main_tables, side_tables
from datasets.files.records import MINIMAL, NO_QUOTING, Style
from datasets.files.rows import Layout, having_columns, read_tables
from datasets.files.tally import Tally
from datasets.formats.row_ids import row_ids
from datasets.formats.side_tables import Joined, catalogue_of, filled_down
from datasets.mapping.batches import About, Flat, Names, flattened
from datasets.mapping.by_columns import ByColumns, Made
from datasets.mapping.columns import needed_columns
from datasets.mapping.document import Mapping
from datasets.mapping.engine import Engine, adopted
from datasets.mapping.envelopes import Unwrapped
from schemas.errors import BadInput
from schemas.event import Rejected

__all__ = ["Dropped", "ImportOptions", "Importer", "Json"]
_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
_PART = "entry of a row dropped: "
MOST_NAME = 64  # characters of a mapping's name in its events' ids


@dataclass
class Importer:
    """One mapping over one path. Read ``lines`` first, in file order, then ``items``, which may depend on the events.

    An event's id is ``<mapping>-<row>-<CRC-32 of the row>`` where the mapping gives none. Importing a file again yields
    the same ids. Equal rows of one file stay different events, because these data sets do not distinguish a repeated
    export from a repeated act.
    """

    path: Path
    options: ImportOptions
    tally: Tally
    mapping: Mapping
    engine: Engine = field(init=False)
    first_names: Sequence[str] = field(default=(), init=False)  # of the first row's cells, or of its members
    _by_columns: ByColumns = field(init=False)

    def __post_init__(self) -> None:
        self.options = adopted(self.options, self.mapping)
        self.engine = Engine(self.mapping, self.options, self.tally, flat=self.mapping.format == "csv")
        self._by_columns = ByColumns(self.engine)
        if "event_time" not in self.mapping.event and self.mapping.envelope == "plain":
            raise BadInput(f"the mapping {self.mapping.name} has no event_time, which files need")
        _ = self.style  # a wrong delimiter is refused before anything is read

    @property
    def _name(self) -> str:
        """What ids of rows begin with: the mapping's name, or a digest of one that leaves no room for the rest."""
        name = self.mapping.name
        if len(name) <= MOST_NAME and name.isprintable():
            return name
        return blake2b(name.encode(errors="surrogatepass"), digest_size=16).hexdigest()

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
            mapping.header and not mapping.columns, mapping.columns, self._makes_event, mapping.format == "csv",
        )  # fmt: skip

    def blocks(self) -> Iterator[Block]:
        """Return the rows of the event tables."""
        layout = self.layout()
        tables = main_tables(self.path, self.mapping.files, self.options.table, self.tally.note)
        blocks = read_tables(having_columns(tables, layout, self.tally), layout, self.tally)
        if self.mapping.lookup:
            joined = Joined(self.mapping.lookup, self.side_rows)
            blocks = (replace(block, rows=[joined.row(row) for row in block.rows]) for block in blocks)
        return filled_down(blocks, self.mapping, self.tally) if self.mapping.fill_down else blocks

    def side_rows(self, pattern: str, columns: Sequence[str], names: Sequence[str] = ()) -> Iterator[Row]:
        """Yield the rows of the tables beside the events; rows dropped there become notes.

        Args: names: of the columns of a table without a header.
        """
        tally = Tally()
        layout = Layout(columns, self.style, encoding=self.options.encoding, has_header=not names, names=names)
        for _, row in rows_of(read_tables(side_tables(self.path, (pattern,)), layout, tally)):
            tally.kept += 1
            yield row
        self.tally.beside[pattern] = tally
        for what, count in (tally.dropped + tally.notes).items():
            self.tally.notes[f"{pattern}: {what}"] += count

    def events(self) -> Iterator[Made]:
        """Yield the events of all acceptable rows, in blocks; the other rows are counted in ``tally``."""
        return map(self.made, self.blocks())

    def made(self, block: Block) -> Made:
        """Return the events of a block's rows; a row without any is dropped with its first reason."""
        self.first_names = self.first_names or tuple(block.rows[0])
        names = _names([""] * len(block.rows) if self.engine.names_events else row_ids(self._name, block))
        flat = flattened(self.engine, block.rows, names, _about(block) if self.engine.needs_about else None)
        made = self._by_columns.made(flat.batch)
        self.engine.items.learn(flat.batch, made.places, made.items)
        if self.engine.is_one_event and len(made.places) == len(block.rows):
            self.tally.kept += len(block.rows)
        else:
            self._account(block, flat, made)
        return made

    def _account(self, block: Block, flat: Flat, made: Made) -> None:
        """Count each row as kept or dropped; what entries of a kept row lack is noted."""
        kept = {flat.owners[place] for place in made.places}
        reasons: dict[int, list[Dropped]] = {}
        for owner, reason in chain(((flat.owners[place], why) for place, why in made.dropped), flat.failures):
            reasons.setdefault(owner, []).append(reason)
        self.tally.kept += len(kept)
        for place, (number, line) in enumerate(zip(block.numbers, block.lines, strict=True)):
            if place not in kept:
                [why, *_] = reasons.get(place) or [LeftOut(self.engine.no_entry)]
                self.tally.place = (block.table, line)
                self.tally.drop(str(why), number, block.cells(place), why.example)
                continue
            for why in reasons.get(place, ()):
                self.tally.note(_PART + str(why), why.example)

    @cached_property
    def _trial(self) -> Engine:
        """The engine once more, which counts nothing."""
        return Engine(self.mapping, self.options, Tally(), flat=self.mapping.format == "csv")

    def _makes_event(self, row: Row) -> bool:
        engine = self._trial
        try:
            for entry in engine.entries(row):
                engine.event(row, entry, {}, "x")
        except Dropped:
            return False
        return True

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


def _names(ids: Sequence[str]) -> Names:
    """Return what names the events of rows that have these ids: the first of a row has the row's."""
    return Names(ids, lambda place, index: f"{ids[place]}-{index}")


def _about(block: Block) -> About:
    def about(place: int, unwrapped: Unwrapped) -> dict[str, Any]:
        return {"time": unwrapped.time, "op": unwrapped.op, "file": block.table}

    return about
