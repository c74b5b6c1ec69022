"""What a shop's own page shows of its last day: figures against the day before, hours, items, categories, health."""

from collections import Counter
from itertools import islice
from typing import Any

from adapters.records.control import read_control
from core.insights.activity import steps, whole
from core.insights.counters import Counters, Kinds, rate_shown
from core.insights.kpis import kpis
from core.ranking.ranked import Trend
from schemas.event import BUCKET_MS
from schemas.rules import Rules
from serving_layer.answers.lookups import trend_lists, trending
from serving_layer.insights.asked import Asked, Refused, existing, hours_asked, shown
from serving_layer.insights.reading import counters_of, sketches_of
from serving_layer.merged.catalogue import Page, describe
from serving_layer.reading.patience import reading
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import BATCH

Answer = dict[str, Any]
MOST_HOURS = 35 * 24  # as for the windows of `trending`
COUNTED_IN_CATEGORIES = 1_000  # the most frequent items; what comes later hardly counts
CATEGORIES = 20


def dashboard(snapshot: Snapshot, page: Page, asked: Asked, rules: Rules) -> Answer:
    """Return the figures of the last 24 hours, or of the range asked for, against as many hours before.

    ``items`` are those of ``trending``. Categories count the most frequent items, each with its main category.

    Raises:
        Refused: the range is empty, too long or outside the data.
    """
    facts, data = snapshot.facts, existing(snapshot.facts)
    hours = hours_asked(asked, 1, data)
    if len(hours) > MOST_HOURS:
        raise Refused(f"the dashboard shows {MOST_HOURS // 24} days at most, not {len(hours) // 24}")
    as_of = facts.as_of if asked.end is None or not hours else hours.stop * BUCKET_MS - 1
    window = max(1, len(hours)) if asked.first is not None or asked.end is not None else 24
    lists = trending(snapshot, window, as_of, page)
    _, frequent = trend_lists(snapshot, window, as_of)
    counts = snapshot.counts(hours)
    return {
        **snapshot.header(),
        "as_of": facts.as_of,
        **(shown(hours) if hours else {"from": None, "to": None}),
        "exists": shown(data) if data else None,
        **_counted(snapshot, hours, data, rules, list(islice(frequent, COUNTED_IN_CATEGORIES))),
        "events": facts.events,
        "duplicates": facts.duplicates,
        "rejected": sum((facts.rejected or {}).values()),
        "health": {"degraded": list(snapshot.degraded), "rejected_by_reason": facts.rejected or {}},
        "counted_items": len({item for row in counts.values() for item in row}),
        "basis": lists["basis"],
        "items": lists["items"],
        "quality": _quality(snapshot),
    }


def _counted(snapshot: Snapshot, hours: range, data: range, rules: Rules, trends: list[Trend]) -> Answer:
    """Return what follows from the counters of activity."""
    kinds, before = Kinds.of(rules.kinds), range(hours.start - len(hours), hours.start)
    now, sketches = whole(counters_of(snapshot, "all", hours), frozenset()), sketches_of(snapshot, hours)
    earlier = users_before = None
    if len(hours) and before.start >= data.start:
        earlier, users_before = whole(counters_of(snapshot, "all", before), frozenset()), sketches_of(snapshot, before)
    by_hour = [{"hour": row.pop("from"), **row} for row in steps(now, sketches, 1)]
    by_category = counters_of(snapshot, "category", hours) if "category" in rules.dimensions else Counters(hours, {})
    return {
        "kpis": kpis(now, earlier, (sketches, users_before), kinds),
        "hours": by_hour,
        "categories": _categories(snapshot, trends, by_category, kinds),
    }


def _categories(snapshot: Snapshot, trends: list[Trend], counters: Counters, kinds: Kinds) -> list[Answer]:
    """Return the most counted categories: ``count`` by their items, the rest by the category that events name."""
    about = describe(snapshot, [trend.item for trend in trends])
    counted: Counter[str] = Counter()
    for trend in trends:
        if (category := about[trend.item].category) is not None:
            counted[category] += trend.count
    series = counters.grouped(lambda parts: parts[0] or None)
    names = sorted({*counted, *series}, key=lambda name: (-counted[name], name))
    rows = []
    for name in names[:CATEGORIES]:
        of_events = series.get(name)
        events = 0 if of_events is None else int(of_events.events.sum())
        rates = {
            "engagement": None if of_events is None else rate_shown(of_events.engagement(kinds)),
            "click_through": None if of_events is None else rate_shown(of_events.click_through()),
        }
        rows.append({"category": name, "count": counted[name], "events": events, **rates})
    return rows


def _quality(snapshot: Snapshot) -> Answer | None:
    """Return what the evaluation of the active generation found; None before one was made."""
    if snapshot.generation is None or BATCH in snapshot.degraded:
        return None
    with reading(BATCH):
        control = read_control(snapshot.views.batch)
    generation = None if control is None else control.generation(snapshot.generation)
    served = None if generation is None else generation.measured.evaluation.served()
    return {"users": served.users, "ndcg@10": served.ndcg} if served and served.users else None
