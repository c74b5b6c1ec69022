"""Any delimited file: the user says which column is what."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from datasets.importers.base import Importer, Json, number
from datasets.parts import main_tables
from datasets.rows import Layout, Row, read_tables
from datasets.times import TimeParser, time_parser
from schemas.errors import BadInput

_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True)
class Columns:
    """Which column holds what; an empty name means that the file has none.

    Without ``kind`` every row is of kind ``kind_value``; without ``event_id`` the row's number and CRC make the id.
    """

    item: str
    time: str
    kind: str = ""
    kind_value: str = "view"
    value: str = ""
    category: str = ""
    session: str = ""
    event_id: str = ""
    time_format: str = "iso"  # epoch-s, epoch-ms, iso or a strptime pattern
    timezone: str = "UTC"  # of times that carry none
    delimiter: str = ","

    def named(self) -> tuple[str, ...]:
        """Columns that must be in the file, the user's apart."""
        named = (self.item, self.time, self.kind, self.value, self.category, self.session, self.event_id)
        return tuple(name for name in named if name)


@dataclass
class Delimited(Importer):
    """Ids are the text of their cells, never numbers; an empty value, category or session is left out."""

    mapped: Columns = field(default_factory=lambda: Columns("item_id", "event_time"))

    name = "csv"
    patterns = ("*.csv", "*.tsv", "*.txt")
    columns = ()
    user_column = "user_id"

    def __post_init__(self) -> None:
        self._time: TimeParser = time_parser(self.mapped.time_format, self.mapped.timezone)
        self._delimiter = _NAMED_DELIMITERS.get(self.mapped.delimiter, self.mapped.delimiter)
        if len(self._delimiter) != 1:
            raise BadInput(f"the delimiter must be one character or 'tab', not {self.mapped.delimiter!r}")

    def rows(self) -> Iterator[tuple[int, Row]]:
        layout = Layout((self._user_column, *self.mapped.named()), self._delimiter)
        return read_tables(main_tables(self.path, self.patterns), layout, self.tally)

    def event_id(self, row_number: int, row: Row) -> str:
        return row[self.mapped.event_id] if self.mapped.event_id else super().event_id(row_number, row)

    def event(self, row: Row) -> Json:
        mapped = self.mapped
        event: Json = {
            "event_time": self._time(row[mapped.time].strip()),
            "kind": self.kind(row[mapped.kind].strip() if mapped.kind else mapped.kind_value),
            "user_id": self.user(row),
            "item_id": row[mapped.item],
        }
        if mapped.value and row[mapped.value].strip():
            event["value"] = number(row[mapped.value])
        for key, column in (("category", mapped.category), ("session_id", mapped.session)):
            if column and row[column]:
                event[key] = row[column]
        return event
