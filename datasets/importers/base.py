"""What all importers share: rows in, events of the contract out, every dropped row counted with its reason."""

import math
import unicodedata
import zlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from datasets.parts import main_tables, side_tables
from datasets.rows import Layout, Row, read_tables
from datasets.tally import Tally
from schemas.event import EARLIEST_EVENT_TIME_MS
from schemas.rules import DEFAULT_KINDS

MAX_ID = 256  # characters, of user_id and item_id
MAX_EVENT_ID = 128
Json = dict[str, Any]


class Dropped(Exception):
    """This row becomes no event; the text is the reason that is counted."""


@dataclass(frozen=True)
class ImportOptions:
    """What a user may change about an import; empty means the format's own choice."""

    user_column: str = ""
    kinds: Collection[str] = frozenset(DEFAULT_KINDS)  # an event of another kind is dropped
    kind_map: Mapping[str, str] = field(default_factory=dict)  # the file's word -> a kind, or "" to leave it out


@dataclass
class Importer(ABC):
    """One format. ``events`` in file order first, then ``items``, which may need what the events told.

    An event's id is ``<format>-<row>-<CRC-32 of the row>``: importing a file again yields the same ids, and equal rows
    of one file stay different events, since nothing in these data sets tells a repeated export from a repeated act.
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

    def learn(self, row: Row) -> None:  # noqa: B027 - most formats have their catalogue in a table of its own
        """Take what a kept row tells about its item."""

    def items(self) -> Iterator[Json]:
        """Catalogue records, each item once; none where the data set describes no items."""
        return iter(())

    def rows(self) -> Iterator[tuple[int, Row]]:
        """The numbered rows of the event tables."""
        layout = Layout((self._user_column, *self.columns), renamed=self.renamed)
        return read_tables(main_tables(self.path, self.patterns), layout, self.tally)

    def side_rows(self, pattern: str, columns: Sequence[str]) -> Iterator[Row]:
        """Rows of the tables beside the events, none if there are none; what is dropped there becomes a note."""
        tally = Tally()
        for _, row in read_tables(side_tables(self.path, (pattern,)), Layout(columns), tally):
            yield row
        for what, count in (tally.dropped + tally.notes).items():
            self.tally.notes[f"{pattern}: {what}"] += count

    def events(self) -> Iterator[Json]:
        """Every row that makes an acceptable event; the others are counted in ``tally``."""
        for number, row in self.rows():
            try:
                event = {"event_id": self.event_id(number, row), **self.event(row)}
                check(event)
            except Dropped as reason:
                self.tally.drop(str(reason))
            except ValueError:
                self.tally.drop("unreadable time")
            else:
                self.tally.kept += 1
                self.learn(row)
                yield event

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
        raise Dropped(f"no kind for {word!r}" if kind else f"{word!r} left out")

    @property
    def _user_column(self) -> str:
        return self.options.user_column or self.user_column


def check(event: Json) -> None:
    """Raise ``Dropped`` when the event contract would reject the event whenever it came."""
    for key, limit in (("event_id", MAX_EVENT_ID), ("user_id", MAX_ID), ("item_id", MAX_ID)):
        text = event[key]
        if not text:
            raise Dropped(f"no {key}")
        if len(text) > limit:
            raise Dropped(f"{key} longer than {limit}")
        if key != "event_id" and not text.isprintable() and any(unicodedata.category(c) == "Cc" for c in text):
            raise Dropped(f"control character in {key}")
    if event["event_time"] < EARLIEST_EVENT_TIME_MS:
        raise Dropped("time before 1990")
    if event["kind"] == "rating" and not 0.001 <= event.get("value", 0) <= 1_000_000:
        raise Dropped("rating outside 0.001 to 1,000,000")


def number(text: str) -> int | float:
    """A finite number, whole when written so; raises ``Dropped``."""
    try:
        value = float(text)
    except ValueError:
        raise Dropped("value is not a number") from None
    if not math.isfinite(value):
        raise Dropped("value is not a number")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def price(text: str) -> int | float | None:
    """A number, or nothing where there is none to be read."""
    try:
        return number(text)
    except Dropped:
        return None


def described(item_id: str, **fields: Any) -> Json:
    """A catalogue record with only the fields that say something."""
    return {"item_id": item_id, **{key: value for key, value in fields.items() if value not in (None, "", [])}}
