"""Any delimited file; the user names the columns, which make a mapping."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.fields.acceptance import NULL_WORDS, ImportOptions
from datasets.files.blocks import Block
from datasets.files.parts import other_tables
from datasets.files.tally import Tally
from datasets.formats.base import Importer
from datasets.formats.repeats import RepeatedIds
from datasets.mapping.by_columns import Made
from datasets.mapping.document import parsed

_PATTERNS = ["*.csv", "*.tsv", "*.txt", "*.parquet"]


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

    def document(self, user: str, options: ImportOptions) -> dict[str, Any]:
        """Return the mapping of these columns as a document."""
        time = {"path": self.time, "time": self.time_format, "timezone": self.timezone}
        event: dict[str, Any] = {"event_time": time, "user_id": user, "item_id": self.item}
        event["kind"] = {"path": self.kind} if self.kind else {"const": self.kind_value}
        if options.kind_map:
            event["kind"]["words"] = dict(options.kind_map)
        if self.event_id:
            event["event_id"] = {"join": list(self.event_id)} if len(self.event_id) > 1 else self.event_id[0]
        more = {"value": self.value, "category": self.category, "session_id": self.session}
        event |= {key: column for key, column in more.items() if column}
        item = {key: getattr(self, key) for key in ("title", "brand", "price") if getattr(self, key)}
        written = {
            "delimiter": self.delimiter, "quoting": self.quoting, "header": not self.no_header,
            "fill_down": list(self.fill_down), "fill_within": self.fill_within, "encoding": options.encoding,
            "decimal": options.decimal, "keep_blanks": options.keep_blanks, "null": _chosen_null(options),
        }  # fmt: skip
        usual = {"delimiter": ",", "header": True, "decimal": "."}
        changed = {key: value for key, value in written.items() if value and value != usual.get(key)}
        changed |= {"header": False} if self.no_header else {}
        changed |= {} if self.delimiter else {"delimiter": ""}  # which is refused
        return {"format": "csv", "files": _PATTERNS, **changed, "event": event, **({"item": item} if item else {})}


def _chosen_null(options: ImportOptions) -> list[str]:
    return [] if options.null == NULL_WORDS else sorted(options.null)


class Delimited(Importer):
    """Ids are the text of their cells, never numbers; an empty value, category or session is left out."""

    def __init__(self, path: Path, options: ImportOptions, tally: Tally, columns: Columns) -> None:
        self.document = columns.document(options.user_column or "user_id", options)
        super().__init__(path, options, tally, parsed(self.document, "csv"))

    def blocks(self) -> Iterator[Block]:
        blocks = super().blocks()
        if not self.options.table:
            for name in other_tables(self.path, self.mapping.files):
                self.tally.note(f"{name} left out, its name is not {', '.join(_PATTERNS[:3])} (--table chooses)")
        return blocks

    def events(self) -> Iterator[Made]:
        repeats = RepeatedIds(self.tally)
        for made in super().events():
            if self.engine.names_events:
                repeats.look(made)
            yield made
