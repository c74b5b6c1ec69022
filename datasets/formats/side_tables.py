"""Tables beside the events: a catalogue, and a table whose columns join the rows; and cells that are filled down."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from datasets.fields.acceptance import Json, LeftOut
from datasets.files.blocks import Block, Row
from datasets.files.tally import Tally
from datasets.mapping.batches import NOTHING
from datasets.mapping.columns import columns_of
from datasets.mapping.document import Catalogue, Lookup, Mapping
from datasets.mapping.engine import Engine, rule_of
from datasets.mapping.expressions import Form, compiled
from datasets.mapping.items import described
from datasets.mapping.values import as_text

SideRows = Callable[..., Iterator[Row]]  # pattern, columns and the names of columns without a header


def catalogue_of(catalogue: Catalogue, engine: Engine, side_rows: SideRows) -> Iterator[Json]:
    """Return a record per item of the table beside the events; the last row of an item counts."""
    form = Form(flat=True, null=frozenset(engine.options.null))
    reads = {name: compiled(given, f"catalogue.{name}", form) for name, given in catalogue.fields.items()}
    read_id, rules = reads.pop("item_id"), [rule_of(rule, form) for rule in catalogue.drop]
    needed = columns_of([*catalogue.fields.values(), *(rule.value for rule in catalogue.drop)])
    items: dict[str, Json] = {}
    for row in side_rows(catalogue.files, needed, catalogue.columns):
        try:
            for rule in rules:
                rule.check(row, row, NOTHING)
        except LeftOut:
            continue
        fields = {name: read(row, row, NOTHING) for name, read in reads.items()}
        item_id = as_text(read_id(row, row, NOTHING), "item_id")
        items[item_id] = described(item_id, engine.items.priced(fields))
    return iter(items.values())


class Joined:
    """Rows with the columns of another table, which is held in memory by its key."""

    def __init__(self, lookup: Lookup, side_rows: SideRows) -> None:
        self._on, self._columns = lookup.on, lookup.columns
        self._by_key: dict[str, tuple[Any, ...]] = {}
        sums: dict[str, float] = {}
        for row in side_rows(lookup.files, (lookup.on, *lookup.columns)):
            if lookup.running:
                so_far = sums.get(row[lookup.per], 0.0) + _amount(row[lookup.running])
                row[lookup.running] = sums[row[lookup.per]] = so_far
            self._by_key[row[lookup.on]] = tuple(row[column] for column in lookup.columns)

    def row(self, row: Row) -> Row:
        """Return the row with the columns; they are empty where its key is unknown."""
        known = self._by_key.get(row.get(self._on, ""))
        return {**row, **dict(zip(self._columns, known or ("",) * len(self._columns), strict=True))}


def _amount(text: Any) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def filled_down(blocks: Iterator[Block], mapping: Mapping, tally: Tally) -> Iterator[Block]:
    """Yield the blocks; empty cells of ``fill_down`` take the cell above while ``fill_within`` stays the same."""
    above, order = dict[str, str](), ""
    for block in blocks:
        rows = list(block.rows)
        for row in rows:
            if mapping.fill_within and row[mapping.fill_within] != order:
                above, order = {}, row[mapping.fill_within]
            for column in mapping.fill_down:
                if row[column].strip():
                    above[column] = row[column]
                elif above.get(column):
                    row[column] = above[column]
                    tally.note(f"{column} filled down")
        yield replace(block, rows=rows)
