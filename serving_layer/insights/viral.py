"""``viral``: what rose most over a range, by category: the trends of ``trending`` over that window."""

from typing import Any

from core.insights.finding import FOUND, NO_DIFFERENCE, TOO_LITTLE_DATA, Finding
from core.ranking.scores import Window
from schemas.event import BUCKET_MS
from serving_layer.answers.lookups import trend_lists
from serving_layer.insights.asked import Refused, require_matches
from serving_layer.merged.catalogue import Page, listed
from serving_layer.reading.snapshot import Snapshot

MOST_HOURS = 35 * 24  # as for the windows of `trending`
LOOKED_AT, OF_CATEGORY = 500, 5
NO_CATEGORY = ""


def viral(snapshot: Snapshot, hours: range, categories: frozenset[str]) -> Finding:
    """List what rose most in each category; of hidden items nothing."""
    if len(hours) > MOST_HOURS:
        raise Refused(f"viral looks at {MOST_HOURS // 24} days at most, not {len(hours) // 24}")
    as_of = hours.stop * BUCKET_MS - 1
    rising, frequent = trend_lists(snapshot, len(hours), as_of)
    if categories:
        known = listed(snapshot, ((trend.item, trend) for trend in frequent), Page(n=LOOKED_AT * 10))
        require_matches(categories, {name for *_, about in known for name in about.categories})
    if rising is None:
        days = (len(hours) + len(Window.ending(as_of, len(hours)).baseline)) / 24
        return Finding(
            TOO_LITTLE_DATA, f"a rise can be told of a range with data from {days:.1f} days before its end", []
        )
    page = Page(n=LOOKED_AT, category=categories or None)
    rows: dict[str, list[dict[str, Any]]] = {}
    for _, trend, about in listed(snapshot, ((trend.item, trend) for trend in rising), page):
        items = rows.setdefault(about.category or NO_CATEGORY, [])
        if len(items) < OF_CATEGORY:
            items.append(
                {
                    "item_id": trend.item.decode(),
                    "title": about.record.title if about.record else None,
                    "score": trend.score,
                    "count": trend.count,
                    "expected": trend.expected,
                    "growth": trend.growth,
                    "change": trend.change,
                }
            )
    if not rows:
        return Finding(NO_DIFFERENCE, "nothing rises, as far as the data can tell", [])
    category, (first, *_) = next(iter(rows.items()))
    where = f" in {category}" if category else ""
    says = (
        f"{first['title'] or first['item_id']} rose most{where}: {first['count']} events where {first['expected']:.3g} "
        f"were expected, surely more than {first['score']:.2g} times as many"
    )
    return Finding(FOUND, says, [{"category": name or None, "items": items} for name, items in rows.items()])
