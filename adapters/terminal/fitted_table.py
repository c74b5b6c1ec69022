"""Tables that fit their window: what must be copied stays whole, other columns get narrower or are left out."""

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
    """A column: its heading and its text of a row.

    Args:
        least: as narrow as it may get; its text is then cut with an ellipsis, or folded.      None: it stays whole.
        leaves: those with the greatest go first when the window is too narrow.      0: it never goes.
    """

    heading: str
    cell: Callable[[Row], str]
    right: bool = False
    least: int | None = None
    folds: bool = False
    leaves: int = 0


def fit(natural: Sequence[int], fields: Sequence[Field], width: int) -> tuple[list[int], list[int]]:
    """Which columns stay, and how wide each of them is.

    Args: natural: widths at which nothing is cut.      width: of the window.
    Returns: positions in ``fields``, and as many widths, which fit unless the columns that never go do not.
    """
    least = [n if each.least is None else min(n, each.least) for n, each in zip(natural, fields, strict=True)]
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
    """The widths; if they are still too much, columns that may be cut get narrower yet, and an id is folded last."""
    for k in sorted(range(len(widths)), key=lambda k: (fields[k].least is None, -widths[k])):
        less = min(max(missing, 0), max(0, widths[k] - NARROWEST))
        widths[k] -= less
        missing -= less
    return widths


def print_table(screen: PlainConsole, fields: Sequence[Field], rows: Sequence[Row]) -> None:
    """The rows as a table as wide as the screen at most; names the columns that were left out."""
    cells = [[visible(each.cell(row)) for each in fields] for row in rows]
    natural = [
        max(cell_len(text) for text in (each.heading, *(row[k] for row in cells))) for k, each in enumerate(fields)
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
    gone = [each.heading for k, each in enumerate(fields) if k not in kept]
    if gone:
        screen.print(styled(f"not shown at this width: {', '.join(gone)}", "dim"))
