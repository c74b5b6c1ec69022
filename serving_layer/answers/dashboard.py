"""What a shop's own page shows of its last day: hours, items, categories, and how good the active generation is."""

from collections import Counter
from itertools import islice
from typing import Any

from adapters.records.control import read_control
from core.ranking.ranked import Trend
from schemas.event import BUCKET_MS
from serving_layer.answers.lookups import trend_lists, trending
from serving_layer.merged.catalogue import Page, describe
from serving_layer.reading.patience import reading
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import BATCH

HOURS = 24
COUNTED_IN_CATEGORIES = 1_000  # the most frequent items; what comes later hardly counts


def dashboard(snapshot: Snapshot, page: Page) -> dict[str, Any]:
    """Return the counted events of each of the last 24 hours, oldest first, and what they were about.

    ``items`` are those of ``trending``. Categories count the most frequent items, each with its main category.
    """
    facts, as_of = snapshot.facts, snapshot.facts.as_of
    lists = trending(snapshot, HOURS, as_of, page)
    _, frequent = trend_lists(snapshot, HOURS, as_of)
    last = -1 if as_of is None else as_of // BUCKET_MS
    hours = range(max(0, last - HOURS + 1), last + 1)
    counts = snapshot.counts(hours)
    return {
        **snapshot.header(),
        "as_of": as_of,
        "events": facts.events,
        "duplicates": facts.duplicates,
        "rejected": sum((facts.rejected or {}).values()),
        "hours": [{"hour": hour * BUCKET_MS, "events": sum(counts.get(hour, {}).values())} for hour in hours],
        "counted_items": len({item for row in counts.values() for item in row}),
        "basis": lists["basis"],
        "items": lists["items"],
        "categories": _categories(snapshot, list(islice(frequent, COUNTED_IN_CATEGORIES))),
        "quality": _quality(snapshot),
    }


def _categories(snapshot: Snapshot, trends: list[Trend]) -> list[dict[str, Any]]:
    about = describe(snapshot, [trend.item for trend in trends])
    counted: Counter[str] = Counter()
    for trend in trends:
        if (category := about[trend.item].category) is not None:
            counted[category] += trend.count
    ordered = sorted(counted.items(), key=lambda row: (-row[1], row[0]))
    return [{"category": category, "count": count} for category, count in ordered[:20]]


def _quality(snapshot: Snapshot) -> dict[str, Any] | None:
    """Return what the evaluation of the active generation found; None before one was made."""
    if snapshot.generation is None or BATCH in snapshot.degraded:
        return None
    with reading(BATCH):
        control = read_control(snapshot.views.batch)
    generation = None if control is None else control.generation(snapshot.generation)
    served = None if generation is None else generation.measured.evaluation.served()
    return {"users": served.users, "ndcg@10": served.ndcg} if served and served.users else None
