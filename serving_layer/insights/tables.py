"""Insights as tables for people."""

from collections.abc import Sequence
from typing import Any

from core.events.timestamps import time_text
from core.insights.freshness import in_words
from serving_layer.tables import show, text

Answer = dict[str, Any]
# What a table has of each row; the JSON has more.
COLUMNS = {
    "activity": ("from", "events", "users", "kinds"),
    "engagement": ("category", "events", "engagement", "click_through"),
    "devices": ("device", "events", "share", "engagement", "click_through"),
    "sources": ("source", "impressions", "clicks", "saves", "purchases", "click_through"),
    "experiments": ("experiment", "impressions", "takes", "rate", "ratio", "verdict"),
    "best-time": ("hour", "events", "ratio", "low", "high", "differs"),
    "formats": ("format", "items", "views", "saves", "shares", "ratio"),
    "viral": ("category", "title", "count", "expected", "score"),
    "freshness": ("from", "events", "p50", "p95", "p99", "max", "slow"),
}
SECONDS = ("p50", "p95", "p99", "max")
DEVICES_DIFFER = ("category", "measure", "phone", "desktop", "difference", "low", "high", "differs")


def show_insight(answer: Answer) -> None:
    """Print the rows of an insight, and what else it compares."""
    name = answer["insight"]
    span = "no data" if answer["from"] is None else f"{time_text(answer['from'])} to {time_text(answer['to'])}"
    rows = answer["rows"]
    if name == "viral":
        rows = [{"category": row["category"], **item, "title": item["title"] or item["item_id"]}
                for row in rows for item in row["items"]]  # fmt: skip
    _table(f"{name}, {span}", answer, rows, COLUMNS[name])
    if answer.get("weekdays"):
        _table("by weekday", answer, answer["weekdays"], ("name", *COLUMNS[name][1:]))
    if answer.get("differences"):
        _table("phones and desktops", answer, answer["differences"], DEVICES_DIFFER)


def _table(title: str, answer: Answer, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    show(title, answer, rows, [text(name.replace("_", "-"), _cell(name)) for name in columns])


def _cell(name: str) -> Any:
    return lambda row: _in_words(name, row[name])


def _in_words(name: str, value: Any) -> str:
    if value is None:
        return "all" if name == "category" else "-"
    if name == "from":
        return time_text(value)
    if isinstance(value, bool):
        return "yes" if value else ""
    if name in SECONDS:
        return in_words(value)
    if isinstance(value, float):
        return f"{value:.3g}"
    if name == "kinds":
        return ", ".join(f"{kind} {count}" for kind, count in value.items())
    if isinstance(value, dict):  # a rate or a ratio with its interval
        main = value.get("rate", value.get("ratio"))
        return (
            "-"
            if main is None
            else f"{main:.3g}" + ("" if value["low"] is None else f" ({value['low']:.3g}–{value['high']:.3g})")
        )
    return str(value)
