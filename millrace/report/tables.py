"""Tables, figures that unfold into a table, and the cells of an insight's rows. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from millrace.report.charts import interval
from millrace.report.markup import Content, Markup, tag
from millrace.report.words import NONE, Clock, count, name_of, percent, ratio, seconds, short
from serving_layer.insights.tables import SECONDS

RIGHT = {"class_": "number"}
SHARES = {"share"}
FACTORS = {"ratio"}
Row = dict[str, Any]


def table(name: str, headings: Sequence[str], rows: Iterable[Sequence[Content]], numbers: Iterable[str] = ()) -> Markup:
    """Return a table with a caption for screen readers; ``numbers``: the headings whose columns end flush right."""
    right = [heading in set(numbers) for heading in headings]
    kinds = [RIGHT if flush else {} for flush in right]
    head = (tag("th", heading, scope="col", **kind) for heading, kind in zip(headings, kinds, strict=True))
    body = [tag("tr", (tag("td", cell, **kind) for cell, kind in zip(row, kinds, strict=True))) for row in rows]
    if not body:
        return tag("p", "Nothing to list.", class_="quiet")
    whole = tag("table", tag("caption", name, class_="hidden"), tag("thead", tag("tr", head)), tag("tbody", body))
    return tag("div", whole, class_="scroll")


def figure(
    name: str, picture: Content, axis: Sequence[str], numbers: Content, legend: Sequence[str] = (), even: bool = False
) -> Markup:
    """Return a chart with its name, its axis in words, what its tones mean, and its numbers as a table to unfold.

    Args: even: each word of the axis belongs to a bar.      legend: ``tone:words``.
    """
    keys = [tag("span", tag("i", class_=f"key {part.partition(':')[0]}"), part.partition(":")[2]) for part in legend]
    return tag(
        "figure", tag("figcaption", tag("strong", name), tag("span", keys, class_="legend") if keys else None), picture,
        tag("div", [tag("span", text) for text in axis], class_="axis-words even" if even else "axis-words"),
        tag("details", tag("summary", "Numbers"), numbers), aria_label=name,
    )  # fmt: skip


def insight_table(name: str, rows: Sequence[Row], columns: Sequence[str], clock: Clock) -> Markup:
    """Return rows of an insight; rates and ratios have their intervals drawn on one axis per column."""
    reach = {column: _reach(rows, column) for column in columns}
    numbers = [column for column in columns if all(_is_number(row.get(column)) for row in rows)]
    headings = [_heading(column) for column in columns]
    cells = ([_cell(column, row, reach[column], clock) for column in columns] for row in rows)
    return table(name, headings, cells, [_heading(column) for column in numbers if column not in FACTORS])


def _heading(column: str) -> str:
    words = {"item_id": "Item", "from": "From", "score": "At least"}
    return words.get(column, column.replace("_", " ").capitalize())


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _bounded(row: Row, column: str) -> Row | None:
    """Return what a column has with an interval: a rate, a ratio, or a row that is a ratio itself."""
    value = row.get(column)
    if isinstance(value, dict) and ("rate" in value or "ratio" in value):
        return value
    return row if column == "ratio" and "low" in row and _is_number(value) else None


def _reach(rows: Sequence[Row], column: str) -> float:
    parts = [part for row in rows if (part := _bounded(row, column)) is not None]
    values = [part.get(name) for part in parts for name in ("rate", "ratio", "high")]
    return max([1e-9, *(float(value) for value in values if _is_number(value) and value is not None)])


def _cell(column: str, row: Row, most: float, clock: Clock) -> Content:
    value = row.get(column)
    if (part := _bounded(row, column)) is not None:
        return _interval_cell(_heading(column), part, most)
    if column == "item_id":
        return item_cell(row)
    if column == "category":
        return short(value) if value else "all" if "measure" in row else "none"
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column == "from":
        return tag("time", clock.minute(int(value)))
    if column in SECONDS:
        return seconds(value)
    if isinstance(value, dict):
        return ", ".join(f"{short(str(kind))} {count(number)}" for kind, number in value.items())
    if isinstance(value, int | float):
        if column == "difference":
            return f"{100 * value:+.3g} points"
        return percent(value) if column in SHARES else ratio(value) if column == "score" else count(value)
    return short(str(value).replace("_", " ") if column in ("measure", "verdict") else str(value))


def _interval_cell(name: str, part: Row, most: float) -> Content:
    is_rate, bounds = "rate" in part, (part.get("low"), part.get("high"))
    value, write = (part["rate"], percent) if is_rate else (part["ratio"], ratio)
    if value is None:
        return NONE
    known = None not in bounds
    between = f"{write(bounds[0])} to {write(bounds[1])}" if known else ""
    said = f"{name}: {write(value)}" + (f", {between}" if known else "")
    drawn = interval(said, value, bounds, most, one=not is_rate)
    return [tag("span", write(value), class_="value"), tag("small", between) if known else None, drawn]


def item_cell(row: Row) -> Markup:
    """Return an item by its title, with its id below."""
    named = row.get("title")
    below = tag("small", short(row["item_id"])) if named else None
    return tag("span", tag("bdi", name_of(row)), below, class_="item")
