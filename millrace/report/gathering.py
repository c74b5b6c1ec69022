"""What a report has: answers of one snapshot, the same that lookups and the API give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from adapters.records.artefacts import read_artefact
from adapters.records.delays import read_delays
from adapters.terminal.commands import MOST_ROWS
from core.insights.table import FRESHNESS, INSIGHTS
from core.telemetry.delays import Delays
from millrace.report.item_map import ItemMap, Place, principal
from schemas.errors import NotReady
from schemas.event import BUCKET_MS
from schemas.rules import Rules
from serving_layer.answers.lookups import bucket_changes, trend_lists, trending
from serving_layer.insights.answer import insight
from serving_layer.insights.asked import Asked, Refused, existing, hours_asked, shown
from serving_layer.merged.catalogue import Page, describe, listed
from serving_layer.reading.patience import reading
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import BATCH, SPEED_SIDE

Answer = dict[str, Any]
DAYS = 28  # without a range
VIRAL_DAYS = 7  # the last ones of the range: a longer one would need a history of months
TREND_HOURS, TREND_ROWS, COURSE_DAYS = 24, 10, 7
CHANGED_HOURS, CHANGED_ROWS = 3, 3  # rises, and as many falls, of each hour
MAPPED, LEAST_MAPPED, LOOKED_AT, MOST_HOURS = 240, 3, 5_000, 35 * 24
WITH_FACTORS = ("als", "mf")


@dataclass(frozen=True)
class Gathered:
    """The answers. ``courses``: counts of each trending item from ``course_from`` on, by steps of ``course_step_ms``.

    ``insights``: answers, or ``{"insight", "refused"}``.      ``delays``: of the hours of the insight ``freshness``.
    ``map``: a sentence where there is none.
    ``titles``: of the items that answers name without one.
    """

    header: Answer
    hours: Answer
    exists: Answer
    categories: Sequence[str]
    trending: Answer
    courses: Mapping[str, Sequence[int]]
    course_from: int
    course_step_ms: int
    changes: Sequence[Answer]
    insights: Sequence[Answer]
    map: ItemMap | str
    titles: Mapping[str, str]
    delays: Delays


def gather(snapshot: Snapshot, asked: Asked, rules: Rules) -> Gathered:
    """Return what the snapshot says of the range, which is the same for all parts of the report.

    Raises:
        NotReady: nothing is counted yet.      Refused: the range or a category has no data.
    """
    data = existing(snapshot.facts)
    if not data:
        raise NotReady("there is nothing to report: no event is counted yet; send events, or run `millrace demo`")
    hours = hours_asked(asked, DAYS, data)
    as_of = snapshot.facts.as_of if asked.end is None else hours.stop * BUCKET_MS - 1
    wanted = asked.categories or None
    trends = trending(snapshot, TREND_HOURS, as_of, Page(TREND_ROWS, category=wanted))
    step = 1 if len(hours) <= 48 else 6
    course = range(max(hours.start, hours.stop - COURSE_DAYS * 24), hours.stop)
    changes = _changes(snapshot, as_of, wanted)
    items = [row["item_id"] for part in (trends["items"], *(hour["items"] for hour in changes)) for row in part]
    about = describe(snapshot, [name.encode() for name in dict.fromkeys(items)])
    insights = _insights(snapshot, asked, hours, rules)
    return Gathered(
        snapshot.header(), shown(hours), shown(data), sorted(asked.categories), trends,
        _courses(snapshot, [row["item_id"] for row in trends["items"]], course, step), course.start * BUCKET_MS,
        step * BUCKET_MS, changes, insights, _map(snapshot, hours, as_of, wanted),
        {name.decode(): seen.record.title for name, seen in about.items() if seen.record and seen.record.title},
        _delays(snapshot, insights),
    )  # fmt: skip


def _insights(snapshot: Snapshot, asked: Asked, hours: range, rules: Rules) -> list[Answer]:
    """Return every insight over these hours; a category that no event names is refused as a whole."""
    begin, end = hours.start * BUCKET_MS, hours.stop * BUCKET_MS
    answers = []
    if asked.categories:
        insight(snapshot, "activity", Asked(asked.categories, begin, end), rules)
    for name, about in INSIGHTS.items():
        categories = asked.categories if about.categories else frozenset[str]()
        first = max(begin, end - VIRAL_DAYS * 24 * BUCKET_MS) if name == "viral" else begin
        question = Asked(categories, first, end, asked.zone if about.zoned else None)
        if name == FRESHNESS and asked.first is None and asked.end is None:
            question = Asked()  # its hours are those of arrival: an import of last year's events arrives today
        try:
            answers.append(insight(snapshot, name, question, rules))
        except Refused as refused:
            answers.append({"insight": name, "refused": str(refused)})
    return answers


def _delays(snapshot: Snapshot, insights: Sequence[Answer]) -> Delays:
    """Return the delays of the hours that the insight ``freshness`` has counted."""
    counted = next((answer for answer in insights if answer["insight"] == FRESHNESS and answer.get("from")), None)
    if counted is None:
        return Delays()
    with reading(SPEED_SIDE):
        hours = range(counted["from"] // BUCKET_MS, counted["to"] // BUCKET_MS)
        return Delays.joined(read_delays(snapshot.views.speed, hours).values())


def _changes(snapshot: Snapshot, as_of: int | None, wanted: frozenset[str] | None) -> list[Answer]:
    """Return the last hours, newest first, with the items that changed most, both ways."""
    answer = bucket_changes(snapshot, CHANGED_HOURS, as_of, Page(MOST_ROWS, category=wanted))
    hours = []
    for hour in answer["buckets"]:
        rises = [row for row in hour["items"] if row["change"] > 0][:CHANGED_ROWS]
        falls = [row for row in hour["items"] if row["change"] < 0][-CHANGED_ROWS:]
        hours.append({"bucket": hour["bucket"], "items": [*rises, *falls]})
    return hours


def _courses(snapshot: Snapshot, items: Sequence[str], hours: range, step: int) -> dict[str, list[int]]:
    counts = snapshot.counts(hours)
    rows: dict[str, list[int]] = {item: [] for item in items}
    for first in range(hours.start, hours.stop, step):
        part = [counts.get(hour, {}) for hour in range(first, min(first + step, hours.stop))]
        for item, row in rows.items():
            row.append(sum(hour.get(item.encode(), 0) for hour in part))
    return rows


def _map(snapshot: Snapshot, hours: range, as_of: int | None, wanted: frozenset[str] | None) -> ItemMap | str:
    """Return the most popular items of the range, placed by the generation's factors; a sentence if it has none."""
    if snapshot.generation is None or BATCH in snapshot.degraded:
        return "There is no map: the batch view has no generation that can be read."
    for model in WITH_FACTORS:
        with reading(BATCH):
            artefact = read_artefact(snapshot.views.batch, snapshot.generation, model)
        if artefact is not None and "factors" in artefact.arrays:
            break
    else:
        return "There is no map: the active generation has no model with factors (`als` or `mf`)."
    _, frequent = trend_lists(snapshot, min(len(hours), MOST_HOURS), as_of)
    row_of = {item: row for row, item in enumerate(artefact.items)}
    popular = ((trend.item, trend) for trend in frequent if trend.item in row_of)
    rows = listed(snapshot, islice(popular, LOOKED_AT), Page(MAPPED, category=wanted))
    if len(rows) < LEAST_MAPPED:
        return f"There is no map: the model {model} knows fewer than {LEAST_MAPPED} items that this range counts."
    placed, variance = principal(artefact.arrays["factors"], [row_of[item] for item, _, _ in rows])
    places = [
        Place(
            item.decode(), about.record.title if about.record else None, about.category, trend.count, float(x), float(y)
        )
        for (item, trend, about), (x, y) in zip(rows, placed, strict=True)
    ]  # fmt: skip
    return ItemMap(model, variance, places)
