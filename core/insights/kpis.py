"""The figures of an overview, each with the period before and how surely it changed."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.insights.activity import changed, users_shown
from core.insights.counters import PURCHASE, Kinds, Series, rate_shown, ratio_shown
from core.insights.statistics import Rate, proportion_ratio
from core.rows.sketch import Ranks

Kpi = dict[str, Any]
Sketches = Mapping[int, Ranks]


def kpis(now: Series, before: Series | None, users: tuple[Sketches, Sketches | None], kinds: Kinds) -> dict[str, Kpi]:
    """Return events, users, engagement, click-through and purchases; ``before``: None where the data do not reach."""
    return {
        "events": _count(now, before, {*now.kinds, *(before.kinds if before else ())}),
        "users": _users(*users),
        "engagement": _rate(now.engagement(kinds), None if before is None else before.engagement(kinds)),
        "click_through": _rate(now.click_through(), None if before is None else before.click_through()),
        "purchases": _count(now, before, [PURCHASE]),
    }


def _count(now: Series, before: Series | None, kinds: Iterable[str]) -> Kpi:
    kinds = list(kinds)
    value = now.of(kinds)
    if before is None:
        return {"value": int(value.sum()), "before": None, "change": None}
    earlier = before.of(kinds)
    return {
        "value": int(value.sum()),
        "before": int(earlier.sum()),
        "change": ratio_shown(changed(value, earlier)),
    }


def _users(now: Sketches, before: Sketches | None) -> Kpi:
    """Users of two periods are mostly the same people: their numbers are shown, and no interval of the change."""
    return {
        "value": users_shown(now)["estimate"],
        "before": None if before is None else users_shown(before)["estimate"],
        "change": None,
    }


def _rate(now: Rate, before: Rate | None) -> Kpi:
    return {
        "value": rate_shown(now),
        "before": None if before is None else rate_shown(before),
        "change": None if before is None else ratio_shown(proportion_ratio(now, before)),
    }
