"""The whole file: head, summary, parts. Pure but for the style, which is packaged."""

from dataclasses import dataclass
from typing import Any

from millrace.report import sections
from millrace.report.freshness import Distribution
from millrace.report.gathering import Gathered
from millrace.report.insight_sections import insights, titled
from millrace.report.markup import Content, Markup, prose, tag
from millrace.report.style import style
from millrace.report.words import NONE, Clock, count, ratio, seconds, short

Answer = dict[str, Any]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
CONTENTS = {
    "trending": "Trending", "changes": "Changes by hour", "insights": "Insights", "generations": "Quality",
    "freshness": "Freshness", "map": "Map of items",
}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What the file is made of. ``generations``: the answer of ``/generations``; ``made_at``: epoch ms."""

    gathered: Gathered
    generations: Answer
    freshness: list[Distribution]
    made_at: int
    clock: Clock


def document(report: Report) -> str:
    """Return the report as one HTML file without scripts, which asks nothing of any server."""
    gathered, clock = report.gathered, report.clock
    title = f"Millrace report, {clock.minute(gathered.hours['from'])} to {clock.minute(gathered.hours['to'])}"
    parts = [
        sections.trends(gathered, clock), sections.changes(gathered, clock), insights(gathered, clock),
        sections.generations(report.generations, clock), sections.freshness(report.freshness),
        sections.item_map(gathered.map),
    ]  # fmt: skip
    head = tag(
        "head", tag("meta", charset="utf-8"), tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"), tag("title", title),
        tag("style", Markup(style())),
    )  # fmt: skip
    body = tag("body", tag("main", _header(report), _figures(report), _summary(gathered), parts, _footer(report)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _header(report: Report) -> Markup:
    gathered, clock = report.gathered, report.clock
    span, exists = gathered.hours, gathered.exists
    of = f" Only {', '.join(map(short, gathered.categories))}." if gathered.categories else ""
    range_said = f"{clock.minute(span['from'])} to {clock.minute(span['to'])}, {clock.name}.{of}"
    data = f"The data are from {clock.minute(exists['from'])} to {clock.minute(exists['to'])}."
    lacking = gathered.header["degraded"]
    warning = tag(
        "p", f"Made without {' and '.join(lacking)}, which could not be read: figures may be too low.", class_="warning"
    )
    links = [tag("a", text, href=f"#{name}") for name, text in CONTENTS.items()]
    return tag(
        "header", tag("h1", "Millrace report"), tag("p", range_said), tag("p", data, class_="quiet"),
        warning if lacking else None, tag("nav", links, aria_label="Contents"),
    )  # fmt: skip


def _figures(report: Report) -> Markup:
    """Return the four figures that are read first."""
    activity = next(answer for answer in report.gathered.insights if answer["insight"] == "activity")
    users, change = activity.get("users"), (activity.get("change") or {}).get("ratio")
    active = next((row for row in report.generations["generations"] if row["active"]), None)
    served = active and active["rankings"].get("blend")
    delay = report.freshness[0] if report.freshness else None
    compared = f"{ratio(change)} the same length before" if change else "nothing to compare with before"
    figures = [
        ("Events", count(activity.get("events")), compared),
        ("Active users", count(users and round(users["estimate"])),
         f"{count(users['low'])} to {count(users['high'])}" if users else "counted over all categories only"),
        ("Freshness, 95 % within", seconds(delay.p95) if delay else NONE,
         f"median {seconds(delay.p50)}" if delay else "not known"),
        ("Quality, NDCG@10", f"{served['ndcg@10']:.4f}" if served else NONE,
         f"on {count(served['users'])} users" if served else "not evaluated"),
    ]  # fmt: skip
    return tag("dl", (tag("div", tag("dt", name), tag("dd", value), tag("dd", more)) for name, value, more in figures),
               class_="figures")  # fmt: skip


def _summary(gathered: Gathered) -> Content:
    """Return the sentences that the data support, before all details."""
    says = [
        [tag("strong", titled(answer["insight"])), ": ", prose(answer["says"])]
        for answer in gathered.insights if answer.get("verdict") == "found"
    ]  # fmt: skip
    if not says:
        return tag("p", "The data support no difference yet that any insight looks for.", class_="quiet")
    return [tag("h2", "What the data say"), tag("ul", (tag("li", text) for text in says), class_="says")]


def _footer(report: Report) -> Markup:
    header, clock = report.gathered.header, report.clock
    segment = "" if header["segment"] is None else f" + segment {header['segment']}"
    made_of = f"{header['generation'] or 'no generation'}{segment}"
    return tag(
        "footer",
        f"Made at {clock.minute(report.made_at)} ({clock.name}) of {made_of}, fresh to "
        f"{clock.minute(header['fresh_to']['event_time'])}. Intervals hold at 95 %. ",
        prose("`millrace insights NAME` and `millrace trending` print the same figures."),
    )
