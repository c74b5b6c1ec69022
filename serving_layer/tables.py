"""Answers as tables for people: what the JSON says, with titles and brands from the catalogue where they are known."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.table import Table

from adapters.terminal import console, styled
from serving_layer.catalogue import Described

Described_ = Mapping[str, Described]
Column = tuple[str, Callable[[dict[str, Any]], str]]  # heading, cell of a row

NUMBERS = {
    "score",
    "confidence",
    "co-rating",
    "norm",
    "count",
    "expected",
    "growth",
    "change",
    "rating",
    "before",
    "±%",
}
FOLDED = {"because", "title"}  # the others keep to one line


def show(title: str, answer: dict[str, Any], rows: Sequence[dict[str, Any]], columns: Sequence[Column]) -> None:
    """A table with a line above that says what the answer is made of and how fresh it is."""
    screen = console()
    screen.print(styled(title, "bold"))
    screen.print(styled(made_of(answer), "dim"))
    if not rows:
        screen.print("nothing")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right", style="dim")
    for heading, _ in columns:
        right, whole = heading in NUMBERS, heading not in FOLDED
        table.add_column(heading, justify="right" if right else "left", overflow="fold", no_wrap=whole)
    for number, row in enumerate(rows, 1):
        table.add_row(str(number), *(cell(row) for _, cell in columns))
    screen.print(table)


def made_of(answer: dict[str, Any]) -> str:
    """Generation, segment and freshness in one line."""
    generation = answer["generation"] or "no generation"
    segment = "" if answer["segment"] is None else f" + segment {answer['segment']}"
    parts = [f"{generation}{segment}", f"fresh to {time_text(answer['fresh_to']['event_time'])}"]
    if answer["degraded"]:
        parts.append(f"WITHOUT {' and '.join(answer['degraded'])}")
    return " · ".join(parts)


def time_text(epoch_ms: int | None) -> str:
    """A time in UTC to the second."""
    if epoch_ms is None:
        return "-"
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def number(name: str, heading: str | None = None, form: str = ".3f") -> Column:
    """A column of numbers; ``-`` where there is none."""

    def cell(row: dict[str, Any]) -> str:
        return "-" if row[name] is None else format(row[name], form)

    return heading or name.replace("_", "-"), cell


def moment(name: str, heading: str) -> Column:
    """A column of times."""
    return heading, lambda row: time_text(row[name])


ITEM: Column = ("item", lambda row: str(row["item_id"]))


def about(described: Described_) -> list[Column]:
    """Category, brand and title, each only if some item has one."""

    def of(name: str) -> Callable[[dict[str, Any]], str]:
        def cell(row: dict[str, Any]) -> str:
            found = described.get(row["item_id"])
            value = (
                None if found is None else found.category if name == "category" else getattr(found.record, name, None)
            )
            return value or ""

        return cell

    columns = [(name, of(name)) for name in ("category", "brand", "title")]
    return [(name, cell) for name, cell in columns if any(cell({"item_id": item}) for item in described)]
