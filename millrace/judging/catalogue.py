"""The catalogue that an evaluation knows: that of the installation, or of a file, as packed rows by item."""

from collections.abc import Mapping
from pathlib import Path

from adapters.records.books import CATALOGUE
from adapters.records.catalogue import ITEMS
from adapters.settings import Settings
from adapters.stores.opened import speed_views
from adapters.terminal.reporting import reporter
from batch_layer.learning.labels import Records
from core.rows.catalogue_rows import pack_entry, unpack_item_record
from schemas.event import Rejected

Rows = Mapping[bytes, bytes]
NO_ROWS: Rows = {}


def catalogue(settings: Settings, installed: bool, path: Path | None) -> Rows:
    """Return the items' records of the file where one is named, else those of this installation if that is judged."""
    if path is not None:
        return _in_file(path)
    return dict(speed_views(settings).scan(CATALOGUE, ITEMS)) if installed else {}


def records(rows: Rows) -> Records:
    """Return the records that are not deleted."""
    read = ((item, unpack_item_record(row)) for item, row in rows.items())
    return {item: record for item, record in read if record is not None}


def _in_file(path: Path) -> Rows:
    """Return each item's last acceptable record, one per line."""
    from core.events.catalogue import parse_item
    from datasets.files.parts import open_file
    from datasets.sending.lines import KEY_FIELDS, key_reader

    key_of, rows, refused = key_reader(KEY_FIELDS["items"]), dict[bytes, bytes](), 0
    with open_file(path) as file:
        for line in (line.rstrip(b"\r\n") for line in file):
            key = key_of(line)
            entry = parse_item(key, line)
            if entry is None or isinstance(entry, Rejected):
                refused += 1
            else:
                rows[key] = pack_entry(entry, line)
    if refused:
        reporter("evaluate")(f"lines that are not acceptable items: {refused:,}")
    return rows
