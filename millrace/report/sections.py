"""The parts of the report but the insights: trends, changes, generations, freshness, the map. Pure."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from millrace.report.charts import TONES, bars, courses, signed_bar, spark
from millrace.report.freshness import Distribution
from millrace.report.gathering import Gathered
from millrace.report.item_map import ItemMap
from millrace.report.map_drawing import drawn_map
from millrace.report.markup import Content, Markup, prose, tag
from millrace.report.tables import figure, item_cell, table
from millrace.report.words import NONE, Clock, count, percent, ratio, seconds, short, signed

Answer = dict[str, Any]
HOUR_MS = 3_600_000
MAP_ROWS, MOST_GENERATIONS, MOST_LINES = 40, 40, 4
WHY = {"too_little_history": "the history is too short to tell a trend", "nothing_rises": "nothing rises"}


def section(name: str, title: str, *content: Content) -> Markup:
    """Return a part of the report, to which its list of contents leads."""
    return tag("section", tag("h2", title), content, id=name)


def trends(gathered: Gathered, clock: Clock) -> Markup:
    """Return what trends in the last day, each item with its course."""
    answer = gathered.trending
    rises = answer["basis"] == "trend"
    since = clock.minute(gathered.course_from)
    rows = [
        [item_cell({**row, "title": gathered.titles.get(row["item_id"])}),
         _course(row["item_id"], gathered.courses[row["item_id"]]), count(row["count"]), count(row["expected"]),
         ratio(row["score"]) if rises else NONE, short(row["category"] or NONE)]
        for row in answer["items"]
    ]  # fmt: skip
    hours = answer["window_seconds"] // 3600
    says = f"The {hours} hours up to {clock.minute(answer['as_of'])}"
    basis = (
        f"{says}, against what each item’s own past lets expect. “At least” says how many times as much it surely is."
        if rises
        else f"{says}. These are the most frequent items: {WHY[answer['basis_reason']]}."
    )
    headings = ["Item", f"Since {since}", "Count", "Expected", "At least", "Category"]
    listed = table("Trending now, with the course of each item", headings, rows, headings[2:5])
    return section("trending", "Trending now", tag("p", basis, class_="lead"), listed, _steps(gathered, clock))


def _course(item: str, values: Sequence[int]) -> Markup:
    return spark(f"{short(item)} over time: now {values[-1]:,}, highest {max(values):,}", values)


def _steps(gathered: Gathered, clock: Clock) -> Markup | None:
    """Return the numbers behind the lines, to unfold."""
    if not gathered.courses:
        return None
    step, items = gathered.course_step_ms, [short(item) for item in gathered.courses]
    rows = [
        [tag("time", clock.minute(gathered.course_from + at * step)), *map(count, row)]
        for at, row in enumerate(zip(*gathered.courses.values(), strict=True))
    ]
    title = f"Events in every {'hour' if step == HOUR_MS else f'{step // HOUR_MS} hours'}"
    return tag("details", tag("summary", "Numbers"), table(title, ["From", *items], rows, items))


def changes(gathered: Gathered, clock: Clock) -> Markup:
    """Return how the last hours differ from those before them, both ways."""
    most = max([1.0, *(abs(row["change"]) for hour in gathered.changes for row in hour["items"])])
    rows = [
        [tag("time", clock.step(hour["bucket"], HOUR_MS)),
         item_cell({**row, "title": gathered.titles.get(row["item_id"])}),
         signed_bar(f"{short(row['item_id'])}: {row['change']:+.2f}", row["change"], most),
         count(row["previous"]), count(row["count"]), f"{row['change']:+.2f}", signed(row["relative"])]
        for hour in gathered.changes for row in hour["items"]
    ]  # fmt: skip
    headings = ["Hour", "Item", "Falls or rises", "Before", "Count", "Change", "Relative"]
    lead = (
        f"What rose and fell most in each of the last {len(gathered.changes)} hours. Change is (count − before) / "
        "(before + 1); the newest hour may not be over."
    )
    listed = table("Changes from hour to hour", headings, rows, headings[3:])
    return section("changes", "Changes by hour", tag("p", lead, class_="lead"), listed)


def generations(answer: Answer, clock: Clock) -> Markup:
    """Return the quality of the kept generations over time."""
    kept = [row for row in answer["generations"] if row["published_at"] is not None][-MOST_GENERATIONS:]
    if not kept:
        says = "No generation is published yet: run `millrace batch run`."
        return section("generations", "Quality of the generations", tag("p", prose(says), class_="empty"))
    names = list(dict.fromkeys(name for row in reversed(kept) for name in row["rankings"]))
    names.sort(key=lambda name: (name != "blend", -_ndcg(kept[-1], name)))
    names = names[:MOST_LINES]
    headings = ["Generation", "Published", "Mode", "Events", *names, "Gate", "Seconds"]
    rows = [
        [[short(row["id"]), tag("span", "active", class_="chip") if row["active"] else None],
         tag("time", clock.minute(row["published_at"])), row["mode"] or NONE, count(row["events"]),
         *(f"{_ndcg(row, name):.4f}" if name in row["rankings"] else NONE for name in names),
         "passed" if row["gate"]["passed"] else short("; ".join(row["gate"]["reasons"])),
         count(round(sum(row["step_seconds"].values()), 1))]
        for row in reversed(kept)
    ]  # fmt: skip
    listed = table("The kept generations", headings, rows, ["Events", *names, "Seconds"])
    lead = "NDCG@10 on events that were held out, by ranking; “blend” is what is served."
    if not names:
        lead = "No kept generation was evaluated: it takes enough users with events that can be held out."
    lines = {name: [_ndcg(row, name) if name in row["rankings"] else None for row in kept] for name in names}
    content: Content = listed
    if names and len(kept) > 1:
        top = max([1e-9, *(value for row in lines.values() for value in row if value is not None)])
        drawn = courses(f"NDCG@10 of {', '.join(names)} by generation, up to {top:.4f}", lines, top)
        legend = [f"{tone}:{name}" for tone, name in zip(TONES, names, strict=False)]
        ends = [clock.minute(row["published_at"]) for row in (kept[0], kept[-1])]
        content = [figure(f"NDCG@10 by generation, 0 to {top:.3f}", drawn, ends, listed, legend)]
    return section("generations", "Quality of the generations", tag("p", lead, class_="lead"), content)


def _ndcg(row: Answer, name: str) -> float:
    return float(row["rankings"].get(name, {}).get("ndcg@10", 0.0))


def freshness(known: Sequence[Distribution]) -> Markup:
    """Return how long events took into the answers."""
    if not known:
        says = (
            "It is not known how long events took into the answers: the speed layer records it as it commits them, "
            "and it has committed none in this range."
        )
        return section("freshness", "Freshness", tag("p", prose(says), class_="empty"))
    figures = [_distribution(one) for one in known]
    lead = "Recorded by the speed layer, by the hours in which events entered the log; by servers since their start."
    return section("freshness", "Freshness", tag("p", lead, class_="lead"), figures)


def _distribution(one: Distribution) -> Markup:
    bounds = [f"{bound:g}" for bound in one.bounds]
    names = [f"up to {bounds[0]} s"]
    names += [f"{low} to {high} s" for low, high in pairwise(bounds)] + [f"over {bounds[-1]} s"]
    total = sum(one.counts)
    rows = [[name, count(n), percent(n / total)] for name, n in zip(names, one.counts, strict=True)]
    said = f"{one.name}: median {seconds(one.p50)}, 95 % within {seconds(one.p95)}"
    headings = ["Seconds", "Counted", "Share"]
    axis = [*bounds, "more"]
    return figure(said, bars(said, one.counts, {}), axis, table(one.name, headings, rows, headings[1:]), even=True)


def item_map(placed: ItemMap | str) -> Markup:
    """Return the map of items, or the sentence that says why there is none."""
    if isinstance(placed, str):
        return section("map", "Map of items", tag("p", prose(placed), class_="empty"))
    categories = Counter(place.category for place in placed.places)
    lead = (
        f"The {len(placed.places)} most popular items of this range by the factors of {placed.model}: items close to "
        f"one another are liked by the same people. Both axes together hold {percent(placed.shown)} of the variance."
    )
    headings = ["Item", "Category", "Events", "x", "y"]
    rows = [
        [item_cell({"item_id": place.item_id, "title": place.title}), short(place.category or NONE), count(place.count),
         f"{place.x:.3f}", f"{place.y:.3f}"]
        for place in placed.places[:MAP_ROWS]
    ]  # fmt: skip
    listed = table(f"The {len(rows)} most popular of these items", headings, rows, headings[2:])
    drawn = drawn_map(placed.places, categories)
    return section("map", "Map of items", tag("p", lead, class_="lead"), drawn.figure(listed))
