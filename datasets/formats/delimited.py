"""Any delimited file; the user names the columns."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from datasets.fields.times import TimeParser, time_parser
from datasets.files.parts import other_tables
from datasets.files.records import MINIMAL, NO_QUOTING, Style
from datasets.files.rows import Layout, Row
from datasets.formats.base import Importer, Json, described
from datasets.formats.repeats import RepeatedIds
from schemas.errors import BadInput

_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


@dataclass(frozen=True)
class Columns:
    """The columns by name or place (``#1``), and how the file is written.

    An empty name means that the file lacks the column. Without ``kind`` every row has the kind ``kind_value``. Without
    ``event_id`` the row's number and CRC make the id; several columns of an id are joined.
    """

    item: str
    time: str
    kind: str = ""
    kind_value: str = "view"
    value: str = ""
    category: str = ""
    session: str = ""
    event_id: tuple[str, ...] = ()
    title: str = ""  # of the item, for the catalogue, as are brand and price
    brand: str = ""
    price: str = ""
    time_format: str = "iso"  # an epoch style, iso or a strptime pattern
    timezone: str = "UTC"  # of times that carry none
    delimiter: str = ","
    quoting: str = ""  # none or minimal; empty: none for tabs and separators of several characters
    no_header: bool = False  # columns are then named by their places
    fill_down: tuple[str, ...] = ()  # columns whose empty cells take the cell above
    fill_within: str = ""  # fill down only while this column stays the same

    def named(self) -> tuple[str, ...]:
        """Return the columns that the file must have besides the user's."""
        single = (self.item, self.time, self.kind, self.value, self.category, self.session, *self.event_id)
        described = (self.title, self.brand, self.price, *self.fill_down, self.fill_within)
        return tuple(name for name in (*single, *described) if name)


@dataclass
class Delimited(Importer):
    """Ids are the text of their cells, never numbers; an empty value, category or session is left out."""

    mapped: Columns = field(default_factory=lambda: Columns("item_id", "event_time"))
    learned: dict[str, dict[str, str]] = field(default_factory=dict)

    name = "csv"
    patterns = ("*.csv", "*.tsv", "*.txt")
    columns = ()
    user_column = "user_id"

    def __post_init__(self) -> None:
        mapped = self.mapped
        self._time: TimeParser = time_parser(mapped.time_format, mapped.timezone)
        delimiter = _NAMED_DELIMITERS.get(mapped.delimiter, mapped.delimiter)
        if not delimiter or any(character in '"\r\n' for character in delimiter):
            raise BadInput(f"a delimiter is one or more characters or 'tab', no quote or line end: {delimiter!r}")
        quoting = mapped.quoting or (NO_QUOTING if delimiter == "\t" or len(delimiter) > 1 else MINIMAL)
        skip_blanks = not self.options.keep_blanks and not delimiter.isspace()
        self._style = Style(delimiter, quoting, skip_blanks)
        self._described = {
            key: column for key in ("title", "brand", "price") if (column := getattr(mapped, key))
        }  # fmt: skip

    def layout(self) -> Layout:
        columns = (self._user_column, *self.mapped.named())
        return replace(super().layout(), columns=columns, style=self._style, has_header=not self.mapped.no_header)

    def rows(self) -> Iterator[tuple[int, Row]]:
        rows = super().rows()
        if not self.options.table:
            for name in other_tables(self.path, self.patterns):
                self.tally.note(f"{name} left out, its name is not {', '.join(self.patterns)} (--table chooses)")
        return self._filled(rows) if self.mapped.fill_down else rows

    def events(self) -> Iterator[Json]:
        repeats = RepeatedIds(self.tally)
        for event in super().events():
            if self.mapped.event_id:
                repeats.look(event)
            yield event

    def event_id(self, row_number: int, row: Row) -> str:
        cells = [row[column].strip() for column in self.mapped.event_id]
        if not cells:
            return super().event_id(row_number, row)
        nothing = next((cell for cell in cells if cell in self.options.null), "")
        if nothing and len(cells) > 1:  # a single one is noted when the event is cleaned
            self.tally.note("event_id taken as empty (--null)", nothing)
            return ""
        return "-".join(cells) if all(cells) else ""

    def event(self, row: Row) -> Json:
        mapped = self.mapped
        event: Json = {
            "event_time": self._time(row[mapped.time].strip()),
            "kind": self.kind(self._kind_word(row)),
            "user_id": self.user(row),
            "item_id": row[mapped.item],
        }
        optional = (("value", mapped.value), ("category", mapped.category), ("session_id", mapped.session))
        event.update((key, row[column]) for key, column in optional if column)
        return event

    def learn(self, item_id: str, row: Row) -> None:
        if self._described:
            known = self.learned.setdefault(item_id, {})
            null = self.options.null
            for key, column in self._described.items():
                text = row[column].strip()
                if text and text not in null:
                    known[key] = text

    def items(self) -> Iterator[Json]:
        for item_id, known in self.learned.items():
            fields: dict[str, Any] = {**known, "price": self.price(known.get("price", ""))}
            yield described(item_id, **fields)

    @property
    def time_style(self) -> str:
        return self.mapped.time_format

    def _kind_word(self, row: Row) -> str:
        mapped = self.mapped
        if not mapped.kind:
            return mapped.kind_value
        word = row[mapped.kind]
        return word if self.options.keep_blanks else word.strip()

    def _filled(self, rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """Yield the rows; empty cells of ``fill_down`` take the cell above while ``fill_within`` stays the same."""
        mapped, above, order = self.mapped, dict[str, str](), ""
        for number, row in rows:
            if mapped.fill_within and row[mapped.fill_within] != order:
                above, order = {}, row[mapped.fill_within]
            for column in mapped.fill_down:
                if row[column].strip():
                    above[column] = row[column]
                elif above.get(column):
                    row[column] = above[column]
                    self.tally.note(f"{column} filled down")
            yield number, row
