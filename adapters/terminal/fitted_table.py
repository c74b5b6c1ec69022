"""Tables that fit their window: values to be copied stay whole, other columns get narrower or are left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.table import Table

from adapters.terminal.console import PlainConsole, styled
from core.text.visible import visible

GAP = 2  # blanks between two columns
NARROWEST = 4

Row = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """A column: its heading, and the function that gives a row's text.

    Args:
        least: the smallest width, at which text is cut with an ellipsis, or folded.      None: it stays whole.
        leaves: columns with the greatest value are left out first in a narrow window.      0: never.
    """

    heading: str
    cell: Callable[[Row], str]
    right: bool = False
    least: int | None = None
    folds: bool = False
    leaves: int = 0


def fit(natural: Sequence[int], fields: Sequence[Field], width: int) -> tuple[list[int], list[int]]:
    """Return the columns that stay, and their widths.

    Args:
        natural: widths at which nothing is cut.      width: the width of the window.
    Returns: positions in ``fields``, and a width for each; they fit unless the columns that always stay do not.
    """
    least = [n if column.least is None else min(n, column.least) for n, column in zip(natural, fields, strict=True)]
    kept = list(range(len(fields)))
    while _total([least[k] for k in kept]) > width and (going := [k for k in kept if fields[k].leaves]):
        kept.remove(max(going, key=lambda k: fields[k].leaves))
    spare = width - _total([least[k] for k in kept])
    widths = []
    for k in kept:
        more = min(max(spare, 0), natural[k] - least[k])
        widths.append(least[k] + more)
        spare -= more
    return kept, _whole_window(widths, [fields[k] for k in kept], -spare)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _whole_window(widths: list[int], fields: Sequence[Field], missing: int) -> list[int]:
    """Return the widths; if they still do not fit, cut what may be cut even narrower, and fold ids last."""
    for k in sorted(range(len(widths)), key=lambda k: (fields[k].least is None, -widths[k])):
        less = min(max(missing, 0), max(0, widths[k] - NARROWEST))
        widths[k] -= less
        missing -= less
    return widths


def print_table(screen: PlainConsole, fields: Sequence[Field], rows: Sequence[Row]) -> None:
    """Print the rows as a table that fits the screen, and the names of the columns that were left out."""
    cells = [[visible(column.cell(row)) for column in fields] for row in rows]
    natural = [
        max(cell_len(text) for text in (column.heading, *(row[k] for row in cells))) for k, column in enumerate(fields)
    ]
    kept, widths = fit(natural, fields, screen.width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, GAP - 1, 0, 0), show_edge=False)
    for k, width in zip(kept, widths, strict=True):
        cut = fields[k].least is not None and not fields[k].folds
        table.add_column(
            styled(fields[k].heading),
            justify="right" if fields[k].right else "left",
            width=width,
            no_wrap=cut,
            overflow="ellipsis" if cut else "fold",
        )
    for row in cells:
        table.add_row(*(row[k] for k in kept))
    screen.print(table)
    left_out = [column.heading for k, column in enumerate(fields) if k not in kept]
    if left_out:
        screen.print(styled(f"not shown at this width: {', '.join(left_out)}", "dim"))
