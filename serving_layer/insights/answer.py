"""One insight as the JSON of docs/insights.md."""

from collections.abc import Callable
from typing import Any

from core.insights.activity import activity, whole
from core.insights.best_time import best_time
from core.insights.counters import Counters, Kinds
from core.insights.devices import devices
from core.insights.engagement import engagement
from core.insights.experiments import experiments
from core.insights.finding import TOO_LITTLE_DATA, Finding
from core.insights.formats import formats
from core.insights.sources import sources
from core.insights.table import FRESHNESS
from recommenders import TABLE
from schemas.rules import Rules
from serving_layer.insights.asked import Asked, existing, hours_asked, insight_of, require_matches, shown, zone_of
from serving_layer.insights.freshness import freshness_of, recorded_hours, unknown
from serving_layer.insights.reading import counters_of, items_of, sketches_of
from serving_layer.insights.viral import viral
from serving_layer.merged.catalogue import describe
from serving_layer.reading.snapshot import Snapshot

Answer = dict[str, Any]
NOTHING = "no event is counted yet"


def insight(snapshot: Snapshot, name: str, asked: Asked, rules: Rules) -> Answer:
    """Return what the insight of that name says.

    Raises:
        NoSuchInsight, Refused: it cannot be asked so.
    """
    chosen = insight_of(name, asked, rules)
    data = recorded_hours(snapshot) if name == FRESHNESS else existing(snapshot.facts)
    hours = hours_asked(asked, chosen.days, data)
    if len(data):
        finding = FINDERS[name](snapshot, hours, asked, rules)
    else:
        finding = unknown(snapshot) if name == FRESHNESS else Finding(TOO_LITTLE_DATA, NOTHING, [])
    return {
        "insight": name,
        **snapshot.header(),
        **(shown(hours) if len(data) else {"from": None, "to": None}),
        "exists": shown(data) if len(data) else None,
        "category": sorted(asked.categories),
        **finding.shown(),
    }


def _activity(snapshot: Snapshot, hours: range, asked: Asked, rules: Rules) -> Finding:
    dimension = "category" if asked.categories else "all"
    now = counters_of(snapshot, dimension, hours)
    if asked.categories:
        _require(asked, now)
    before = range(hours.start - len(hours), hours.start)
    earlier = None
    if before.start >= existing(snapshot.facts).start:
        earlier = whole(counters_of(snapshot, dimension, before), asked.categories)
    sketches = None if asked.categories else sketches_of(snapshot, hours)
    return activity(whole(now, asked.categories), earlier, sketches)


def _engagement(snapshot: Snapshot, hours: range, asked: Asked, rules: Rules) -> Finding:
    counters = _require(asked, counters_of(snapshot, "category", hours))
    return engagement(counters, Kinds.of(rules.kinds), asked.categories)


def _devices(snapshot: Snapshot, hours: range, asked: Asked, rules: Rules) -> Finding:
    counters = _require(asked, counters_of(snapshot, "category_device", hours))
    return devices(counters, Kinds.of(rules.kinds), asked.categories)


def _sources(snapshot: Snapshot, hours: range, asked: Asked, rules: Rules) -> Finding:
    return sources(counters_of(snapshot, "source", hours))


def _experiments(snapshot: Snapshot, hours: range, asked: Asked, rules: Rules) -> Finding:
    names = [tried.name for tried in snapshot.views.experiments]
    return experiments(counters_of(snapshot, "source", hours), names, TABLE, Kinds.of(rules.kinds))


def _best_time(snapshot: Snapshot, hours: range, asked: Asked, rules: Rules) -> Finding:
    zone, name = zone_of(asked.zone)
    return best_time(_require(asked, counters_of(snapshot, "category", hours)), asked.categories, zone, name)


def _formats(snapshot: Snapshot, hours: range, asked: Asked, rules: Rules) -> Finding:
    counts = items_of(snapshot, hours)
    about = {item.decode(): seen for item, seen in describe(snapshot, [item.encode() for item in counts]).items()}
    require_matches(asked.categories, {name for seen in about.values() for name in seen.categories})
    wanted = {item: seen.record for item, seen in about.items() if seen.is_in(asked.categories or None)}
    tags = {item: tuple(dict.fromkeys(record.tags)) for item, record in wanted.items() if record is not None}
    return formats({item: counts[item] for item in wanted}, tags)


def _viral(snapshot: Snapshot, hours: range, asked: Asked, rules: Rules) -> Finding:
    return viral(snapshot, hours, asked.categories)


def _freshness(snapshot: Snapshot, hours: range, asked: Asked, rules: Rules) -> Finding:
    return freshness_of(snapshot, hours)


def _require(asked: Asked, counters: Counters) -> Counters:
    require_matches(asked.categories, {parts[0] for parts in counters.totals} if asked.categories else set())
    return counters


FINDERS: dict[str, Callable[[Snapshot, range, Asked, Rules], Finding]] = {
    "activity": _activity,
    "engagement": _engagement,
    "devices": _devices,
    "sources": _sources,
    "experiments": _experiments,
    "best-time": _best_time,
    "formats": _formats,
    "viral": _viral,
    FRESHNESS: _freshness,
}
