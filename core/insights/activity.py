"""``activity``: events and active users over time, by kind."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.insights.counters import Counters, Ints, Series, joined, ratio_shown
from core.insights.finding import FOUND, NO_DIFFERENCE, TOO_LITTLE_DATA, Finding, Row, times
from core.insights.statistics import Bounds, event_rate_ratio, rows_by_columns, student_quantile
from core.rows.sketch import ERROR, Ranks, estimate, joined_ranks
from schemas.event import BUCKET_MS

HOURS_BY_HOUR = 4 * 24  # longer ranges are shown by day
DAY = 24
SURE = 1.96


def whole(counters: Counters, categories: frozenset[str]) -> Series:
    """Return what is counted in all, or in those categories together (``counters``: by ``all``, by ``category``)."""
    series = counters.grouped(lambda parts: "all" if not categories or parts[0] in categories else None)
    return joined(series.values(), counters.hours)


def activity(now: Series, before: Series | None, sketches: Mapping[int, Ranks] | None) -> Finding:
    """Report what happened, and how it differs from the same length before.

    Args: before: None where the data do not reach back so far.      sketches: of the active users by hour; None: they
        are not counted for this filter.
    """
    step = 1 if len(now.hours) <= HOURS_BY_HOUR else DAY
    change = None if before is None else changed(now.events, before.events)
    users = None if sketches is None else users_shown(sketches)
    more = {
        "step_seconds": step * BUCKET_MS // 1000,
        "kinds": now.totals,
        "events": int(now.events.sum()),
        "users": users,
        "change": None if before is None else ratio_shown(change),
    }
    people = "" if users is None else f" by about {users['estimate']:,.0f} users"
    verdict, compared = _compared(change)
    return Finding(verdict, f"{more['events']:,} events{people}; {compared}", steps(now, sketches, step), more)


def steps(now: Series, sketches: Mapping[int, Ranks] | None, step: int) -> list[Row]:
    """Return the counts of every ``step`` hours; steps of a day begin at midnight UTC."""
    rows = []
    for first in range(now.hours.start - now.hours.start % step, now.hours.stop, step):
        hours = range(max(first, now.hours.start), min(first + step, now.hours.stop))
        part = slice(hours.start - now.hours.start, hours.stop - now.hours.start)
        kinds = {kind: int(now.kinds[kind][part].sum()) for kind in now.totals}
        active = None if sketches is None else estimate(joined_ranks(*(sketches.get(hour, {}) for hour in hours)))
        rows.append(
            {
                "from": hours.start * BUCKET_MS,
                "events": int(now.events[part].sum()),
                "users": None if active is None else round(active, 1),
                "kinds": {kind: count for kind, count in kinds.items() if count},
            }
        )
    return rows


def users_shown(sketches: Mapping[int, Ranks]) -> dict[str, Any]:
    """Return about how many users were active, with its interval and standard error."""
    number = estimate(joined_ranks(*sketches.values()))
    bounds = {"low": round(number * (1 - SURE * ERROR), 1), "high": round(number * (1 + SURE * ERROR), 1)}
    return {"estimate": round(number, 1), **bounds, "error": round(ERROR, 4)}


def changed(now: Ints, before: Ints) -> Bounds | None:
    """Return the ratio of two periods of as many hours, whose hours vary by more than chance has it."""
    table = np.stack([now, before]).astype(np.float64)
    hours, degrees = len(now), int((table.sum(axis=0) > 0).sum()) - 1
    return event_rate_ratio(
        int(now.sum()), hours, int(before.sum()), hours, rows_by_columns(table), student_quantile(degrees)
    )


def _compared(change: Bounds | None) -> tuple[str, str]:
    if change is None:
        return TOO_LITTLE_DATA, "the data do not reach back to the period before"
    if not change.excludes(1):
        return NO_DIFFERENCE, "no difference from the period before that the data support"
    return FOUND, f"{times(change.value)} the period before"
