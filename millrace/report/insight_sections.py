"""The insights as parts of the report: verdict, sentence, chart where time matters, rows. Pure."""

from collections.abc import Callable, Sequence
from typing import Any

from core.insights.finding import FOUND, NO_DIFFERENCE, TOO_LITTLE_DATA
from core.insights.table import INSIGHTS
from millrace.report.charts import bars, ratios
from millrace.report.gathering import VIRAL_DAYS, Gathered
from millrace.report.markup import Content, Markup, prose, tag
from millrace.report.sections import section
from millrace.report.tables import figure, insight_table
from millrace.report.words import Clock, count, ratio
from serving_layer.insights.tables import COLUMNS, DEVICES_DIFFER

Answer = dict[str, Any]
MOST_ROWS, MOST_DIFFERENCES = 40, 10
VERDICTS = {
    FOUND: ("good", "the data support it"), NO_DIFFERENCE: ("quiet", "no difference"),
    TOO_LITTLE_DATA: ("warn", "too little data"),
}  # fmt: skip
SHOWN = {**COLUMNS, "viral": ("category", "item_id", "count", "expected", "score")}


def insights(gathered: Gathered, clock: Clock) -> Markup:
    """Return all insights in one part, each with a heading of its own."""
    parts = [_insight(answer, gathered, clock) for answer in gathered.insights]
    return section("insights", "Insights", parts)


def _insight(answer: Answer, gathered: Gathered, clock: Clock) -> Markup:
    name = answer["insight"]
    last = f", the last {VIRAL_DAYS} days" if name == "viral" else ""
    heading = tag("h3", f"{titled(name)}: {INSIGHTS[name].about}{last}")
    if "refused" in answer:
        return tag("article", heading, tag("p", prose(answer["refused"]), class_="empty"))
    tone, verdict = VERDICTS[answer["verdict"]]
    of_all = gathered.categories and not INSIGHTS[name].categories
    says = [
        tag("span", verdict, class_=f"chip {tone}"),
        " ",
        prose(answer["says"]),
        " (of all categories)" if of_all else "",
    ]
    content = CHARTED.get(name, _rows)(answer, clock) if answer["rows"] else None
    return tag("article", heading, tag("p", says), content)


def titled(name: str) -> str:
    """Return an insight's name as a heading."""
    return name.replace("-", " ").capitalize()


def _rows(answer: Answer, clock: Clock) -> Content:
    name, rows = answer["insight"], answer["rows"]
    return [insight_table(name, rows[:MOST_ROWS], SHOWN[name], clock), _left_out(rows, name)]


def _left_out(rows: Sequence[Answer], name: str) -> Markup | None:
    more = len(rows) - MOST_ROWS
    return tag("p", f"And {more:,} more: millrace insights {name}", class_="quiet") if more > 0 else None


def _activity(answer: Answer, clock: Clock) -> Content:
    rows, step = answer["rows"], answer["step_seconds"] * 1000
    events = [row["events"] for row in rows]
    users = [row["users"] for row in rows if row["users"] is not None]
    lines = {"active users": users} if len(users) == len(rows) else {}
    by = "day (UTC)" if step > 3_600_000 else "hour"
    said = f"Events by {by}, up to {count(max(events))}"
    legend = ["batch:events"]
    if lines:
        said, legend = f"{said}; active users, up to {count(max(users))}", [*legend, "speed:active users"]
    axis = [clock.step(rows[at]["from"], step) for at in sorted({0, len(rows) // 2, len(rows) - 1})]
    numbers = insight_table("activity", rows, SHOWN["activity"], clock)
    return figure(said, bars(said, events, lines), axis, numbers, legend)


def _best_time(answer: Answer, clock: Clock) -> Content:
    rows, zone = answer["rows"], answer["zone"]
    named = f"Events in an hour of the day against the other hours, {zone}"
    columns = [(row["ratio"], row["low"], row["high"], bool(row["differs"])) for row in rows]
    known = [row["ratio"] for row in rows if row["ratio"] is not None]
    named += f": {ratio(min(known))} to {ratio(max(known))}" if known else ": not known"
    drawn = ratios(named, columns)
    numbers = insight_table("by hour", rows, SHOWN["best-time"], clock)
    weekdays, of_day = answer["weekdays"], ("name", *SHOWN["best-time"][1:3], "differs")
    days = insight_table("by weekday", weekdays, of_day, clock) if weekdays else None
    axis = [f"{hour}:00" for hour in (0, 6, 12, 18)] + ["24:00"]
    return [figure(named, drawn, axis, numbers, ["strong:differs from the others", "batch:may not differ"]), days]


def _devices(answer: Answer, clock: Clock) -> Content:
    differences = answer.get("differences", [])[:MOST_DIFFERENCES]
    columns = [name for name in DEVICES_DIFFER if name not in ("low", "high")]
    return [_rows(answer, clock), insight_table("phones and desktops", differences, columns, clock)]


def _freshness(answer: Answer, clock: Clock) -> Content:
    """Return the last hours; the first ones of a long range are the ones left out."""
    rows = answer["rows"]
    return [insight_table("freshness", rows[-MOST_ROWS:], SHOWN["freshness"], clock), _left_out(rows, "freshness")]


def _viral(answer: Answer, clock: Clock) -> Content:
    items = [{"category": row["category"], **item} for row in answer["rows"] for item in row["items"]]
    return [insight_table("viral", items[:MOST_ROWS], SHOWN["viral"], clock), _left_out(items, "viral")]


CHARTED: dict[str, Callable[[Answer, Clock], Content]] = {
    "activity": _activity,
    "best-time": _best_time,
    "devices": _devices,
    "freshness": _freshness,
    "viral": _viral,
}
