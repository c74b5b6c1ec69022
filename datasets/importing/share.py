"""An import from end to end: read and order the events, cut the share asked for, write or send lines and catalogue."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from datasets.files.output import write_blocks, write_lines
from datasets.formats.base import Importer
from datasets.importing.order import TimeOrder, cut
from datasets.importing.runs import BLOCK, Timed
from schemas.errors import BadInput

Append = Callable[[str, list[dict[str, Any]]], None]


@dataclass(frozen=True)
class Share:
    """A part of the ordered events: between two fractions of their number, and at most ``limit`` of those."""

    from_fraction: float = 0.0
    until_fraction: float = 1.0
    limit: int | None = None


@dataclass
class Imported:
    """A data set read and ordered; its events can be taken once."""

    blocks: Iterator[Timed]
    items: list[tuple[str, bytes]]  # item_id and record as JSON
    count: int  # of the events

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """Yield each event's user and JSON."""
        return chain.from_iterable(zip(block.users, block.texts, strict=True) for block in self.blocks)


def read_dataset(importer: Importer, share: Share, with_items: bool = True) -> Imported:
    """Return the share of the events, and the whole catalogue.

    Raises:
        BadInput: the path or a table is not what the format needs, or the fractions are out of order.
    """
    if not 0 <= share.from_fraction < share.until_fraction <= 1:
        raise BadInput("fractions must be 0 <= from-fraction < until-fraction <= 1")
    ordered = TimeOrder(importer.events())
    items = list(importer.catalogue()) if with_items else []
    first, last = cut(ordered.count, share.from_fraction, share.until_fraction, share.limit)
    records = [(item["item_id"], msgspec.json.encode(item)) for item in items]
    return Imported(ordered.blocks(first, last), records, max(0, last - first))


def to_files(imported: Imported, events: Path, items: Path) -> tuple[int, int]:
    """Write both files and return their numbers of lines; without items there is no file of them."""
    if events.resolve() == items.resolve():
        raise BadInput(f"events and items cannot both go to {events}: name another file with --items-out")
    written = write_blocks(events, (block.texts for block in imported.blocks))
    return written, write_lines(items, (text for _, text in imported.items)) if imported.items else 0


def to_log(imported: Imported, append: Append, events: str, items: str) -> Iterator[int]:
    """Send the catalogue, then the events in order; yields now and then how many events were sent. The caller flushes.

    Args: append: sends records, each with ``key`` and ``value``, to a topic in their order.
    """
    for start in range(0, len(imported.items), BLOCK):
        part = imported.items[start : start + BLOCK]
        append(items, [{"key": item_id.encode(), "value": text} for item_id, text in part])
    sent = 0
    for block in imported.blocks:
        rows = zip(map(str.encode, block.users), block.texts, strict=True)
        append(events, [{"key": user, "value": text} for user, text in rows])
        sent += len(block.texts)
        yield sent
