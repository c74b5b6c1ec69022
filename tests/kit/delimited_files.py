"""Files with delimiters as tests write them, and what an importer makes of them."""

from pathlib import Path
from typing import Any

import msgspec

from datasets.files.tally import Tally
from datasets.formats.base import Importer, ImportOptions
from datasets.formats.delimited import Columns, Delimited

DAY = "2025-01-01T00:00:00Z"
PLAIN = Columns("item", "time")


def events_of(importer: Importer) -> list[dict[str, Any]]:
    """The events that an importer makes, as objects."""
    return [msgspec.json.decode(text) for made in importer.events() for text in made.texts]


def read(path: Path, columns: Columns = PLAIN, **options: Any) -> tuple[list[dict[str, Any]], Tally]:
    """The events of a file, after a check that its lines add up."""
    importer = Delimited(path, ImportOptions("user", **options), Tally(), columns)
    events, tally = events_of(importer), importer.tally
    assert tally.lines == tally.kept + tally.dropped.total() + tally.explained.total()
    assert len(events) == tally.kept
    return events, tally


def file(folder: Path, *lines: str, name: str = "a.csv") -> Path:
    """A file of these lines."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
