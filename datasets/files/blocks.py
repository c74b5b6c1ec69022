"""Consecutive rows of a table, which are read, mapped and counted together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

ROWS = 500  # of a block: their values stay in a processor's cache while they are mapped
Row = dict[str, Any]  # of texts, if the table is one of text


@dataclass(frozen=True)
class Block:
    """Rows with their numbers among all rows and the lines of their table where they begin, both from 1.

    ``cells`` returns a row's cells by its place in the block, as they were read.
    """

    table: str
    numbers: Sequence[int]
    lines: Sequence[int]
    rows: Sequence[Row]
    cells: Callable[[int], Sequence[Any]]


class Cells(Sequence[Row]):
    """Rows as columns, which become objects only where one is asked for. ``places``: of the columns by their names."""

    def __init__(self, places: Mapping[str, int], columns: Iterable[Sequence[Any]]) -> None:
        self.places, self.columns = places, list(columns)

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        if isinstance(place, slice):
            return Cells(self.places, [column[place] for column in self.columns])
        return {name: self.columns[at][place] for name, at in self.places.items()}

    def column(self, name: str) -> Sequence[Any]:
        """Return the cells of a column; None for each row where there is no such column."""
        at = self.places.get(name)
        return [None] * len(self) if at is None else self.columns[at]

    def cells(self, place: int) -> list[Any]:
        """Return the cells of a row, in the order of the table."""
        return [column[place] for column in self.columns]


def rows_of(blocks: Iterable[Block]) -> Iterator[tuple[int, Row]]:
    """Yield each row with its number."""
    for block in blocks:
        yield from zip(block.numbers, block.rows, strict=True)
