"""Answers as tables for people: what the JSON says, with titles and brands from the catalogue where they are known."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.terminal.console import console, styled
from adapters.terminal.fitted_table import Field, print_table
from core.events.timestamps import time_text
from serving_layer.merged.catalogue import Described

Described_ = Mapping[str, Described]

# In a narrow window the last of these is dropped first. The item's id and the column that orders the answer stay.
LEAVE_LAST = (
    "title", "source", "basis", "because", "contribution", "co-rating", "count", "score", "change", "last touched",
    "confidence", "before", "category", "rating", "expected", "growth", "±%", "norm", "brand",
)  # fmt: skip
LEAST = {"title": 12, "category": 8, "brand": 8}  # these are cut rather than left out


def show(title: str, answer: dict[str, Any], rows: Sequence[dict[str, Any]], columns: Sequence[Field]) -> None:
    """Print a table, below a line that names the answer's generation and segment and how fresh it is."""
    screen = console()
    screen.print(styled(title, "bold"))
    screen.print(styled(made_of(answer), "dim"))
    if not rows:
        screen.print("nothing")
        return
    numbered = [{"": str(number), **row} for number, row in enumerate(rows, 1)]
    print_table(screen, [text("", lambda row: row[""], right=True), *columns], numbered)


def made_of(answer: dict[str, Any]) -> str:
    """Return generation, segment and freshness in one line."""
    generation = answer["generation"] or "no generation"
    segment = "" if answer["segment"] is None else f" + segment {answer['segment']}"
    parts = [f"{generation}{segment}", f"fresh to {time_text(answer['fresh_to']['event_time'])}"]
    if answer["degraded"]:
        parts.append(f"WITHOUT {' and '.join(answer['degraded'])}")
    return " · ".join(parts)


def text(heading: str, cell: Callable[[dict[str, Any]], str], right: bool = False) -> Field:
    """Return a column that leaves a narrow window in its turn."""
    leaves = LEAVE_LAST.index(heading) + 1 if heading in LEAVE_LAST else 0
    return Field(heading, cell, right, LEAST.get(heading), leaves=leaves)


def number(name: str, heading: str | None = None, form: str = ".3f") -> Field:
    """Return a column of numbers; ``-`` stands for a missing one."""

    def cell(row: dict[str, Any]) -> str:
        return "-" if row[name] is None else format(row[name], form)

    return text(heading or name.replace("_", "-"), cell, right=True)


def moment(name: str, heading: str) -> Field:
    """Return a column of times."""
    return text(heading, lambda row: "" if row[name] is None else time_text(row[name]))


def because(rows: Sequence[dict[str, Any]]) -> Field:
    """Return a column of item ids, folded between them."""
    longest = max((len(item) for row in rows for item in row["because"]), default=0)
    leaves = LEAVE_LAST.index("because") + 1
    return Field("because", lambda row: ", ".join(row["because"]), least=longest + 1, folds=True, leaves=leaves)


ITEM = text("item", lambda row: str(row["item_id"]))


def about(described: Described_) -> list[Field]:
    """Return columns of category, brand and title, each only if some item has one."""

    def of(name: str) -> Callable[[dict[str, Any]], str]:
        def cell(row: dict[str, Any]) -> str:
            described_item = described.get(row["item_id"])
            value = (
                None
                if described_item is None
                else described_item.category
                if name == "category"
                else getattr(described_item.record, name, None)
            )
            return value or ""

        return cell

    columns = [(name, of(name)) for name in ("category", "brand", "title")]
    return [text(name, cell) for name, cell in columns if any(cell({"item_id": item}) for item in described)]
