"""``engagement``: engagement and click-through by category, the highest first."""

from core.insights.counters import Counters, Kinds, rate_shown
from core.insights.finding import FOUND, LEAST_OF, NO_DIFFERENCE, TOO_LITTLE_DATA, Finding, Row, percent
from core.insights.ranked_rates import Ends, ends_of
from core.insights.statistics import Rate


def engagement(counters: Counters, kinds: Kinds, categories: frozenset[str]) -> Finding:
    """Compare the engagement rates of the categories, or of those given; ``counters``: by ``category``."""
    series = counters.grouped(lambda parts: parts[0] if parts[0] and parts[0] in (categories or parts) else None)
    rates = {name: one.engagement(kinds) for name, one in series.items()}
    rows: list[Row] = [
        {
            "category": name,
            "events": int(series[name].events.sum()),
            "engagement": rate_shown(rates[name]),
            "click_through": rate_shown(series[name].click_through()),
        }
        for name in sorted(rates, key=lambda name: (-(rates[name].value or 0), name))
    ]
    ends = ends_of(rates)
    return Finding(*_said(ends, rates), rows, {"highest": ends.highest, "lowest": ends.lowest})


def _said(ends: Ends, rates: dict[str, Rate]) -> tuple[str, str]:
    if ends.compared < 2:
        return TOO_LITTLE_DATA, f"fewer than two categories have {LEAST_OF} impressions and views to compare"
    if not ends.differs:
        return NO_DIFFERENCE, "no difference between categories that the data support"
    extremes = {"highest": ends.highest, "lowest": ends.lowest}
    parts = [
        f"{name} has the {end} engagement ({percent(rates[name].value)})" for end, name in extremes.items() if name
    ]
    unsure = "categories differ, but the data cannot tell the first and the last from their neighbours"
    return FOUND, "; ".join(parts) or unsure
