"""``best-time``: at which hours and on which weekdays a category has more events than at all other times."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.insights.counters import Counters, Ints, joined, ratio_shown
from core.insights.finding import FOUND, NO_DIFFERENCE, TOO_LITTLE_DATA, Finding, times
from core.insights.statistics import Bounds, Floats, dispersion, event_rate_ratio, rows_by_columns, student_quantile
from schemas.event import BUCKET_MS

LEAST_EVENTS, LEAST_DAYS, LEAST_DAYS_OF_WEEK = 200, 7, 14
HOURS, DAYS = 24, 7
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Calendar:
    """Hourly counts laid out by the days and hours of a time zone; days that are not complete are left out."""

    hours: range
    counts: Ints
    zone: tzinfo

    @cached_property
    def _local(self) -> list[datetime]:
        return [datetime.fromtimestamp(hour * BUCKET_MS // 1000, self.zone) for hour in self.hours]

    @cached_property
    def _laid_out(self) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
        """Counts and hours (clock changes: 0 or 2) by day and hour of day, and the weekday of each day."""
        days: dict[int, int] = {}
        for moment in self._local:
            days[moment.toordinal()] = days.get(moment.toordinal(), 0) + 1
        whole = {day: row for row, day in enumerate(day for day, hours in days.items() if hours >= HOURS - 1)}
        counts, spent = np.zeros((len(whole), HOURS)), np.zeros((len(whole), HOURS))
        for moment, count in zip(self._local, self.counts.tolist(), strict=True):
            if (row := whole.get(moment.toordinal())) is not None:
                counts[row, moment.hour] += count
                spent[row, moment.hour] += 1
        return counts, spent, [datetime.fromordinal(day).weekday() for day in whole]

    @property
    def days(self) -> int:
        return len(self._laid_out[2])

    @property
    def events(self) -> int:
        return int(self._laid_out[0].sum())

    def by_hour(self) -> list[tuple[int, Bounds | None]]:
        """Return the events of each hour of the day, and their rate against that of all other hours."""
        counts, spent, _ = self._laid_out
        quantile = student_quantile((self.days - 1) * (HOURS - 1), HOURS)
        return _against_others(counts.sum(axis=0), spent.sum(axis=0), rows_by_columns(counts), quantile)

    def by_weekday(self) -> list[tuple[int, Bounds | None]]:
        """Return the same of the weekdays."""
        counts, spent, weekday = self._laid_out
        of_day, hours, weekdays = counts.sum(axis=1), spent.sum(axis=1), np.array(weekday, np.int64)
        events, exposed = (np.bincount(weekdays, column, DAYS).astype(np.float64) for column in (of_day, hours))
        mean = np.divide(events, exposed, out=np.zeros(DAYS), where=exposed > 0)
        degrees = self.days - len(set(weekday))
        spread = dispersion(of_day, mean[weekdays] * hours, degrees)
        return _against_others(events, exposed, spread, student_quantile(degrees, DAYS))


def _against_others(
    events: Floats, hours: Floats, spread: float, quantile: float
) -> list[tuple[int, Bounds | None]]:  # fmt: skip
    """Return each part's events and their rate against that of all other parts."""
    whole, spent = float(events.sum()), float(hours.sum())
    return [
        (int(count), event_rate_ratio(int(count), h, int(whole - count), spent - h, spread, quantile))
        for count, h in zip(events.tolist(), hours.tolist(), strict=True)
    ]


def best_time(counters: Counters, categories: frozenset[str], zone: tzinfo, zone_name: str) -> Finding:
    """Find the busy hours and weekdays of the categories together; ``counters``: by ``category``."""
    series = counters.grouped(lambda parts: "all" if not categories or parts[0] in categories else None)
    calendar = Calendar(counters.hours, joined(series.values(), counters.hours).events, zone)
    more: dict[str, Any] = {"zone": zone_name, "weekdays": [], "best_hour": None, "best_weekday": None}
    if calendar.days < LEAST_DAYS or calendar.events < LEAST_EVENTS:
        says = (
            f"{calendar.events} events on {calendar.days} whole days: it takes {LEAST_EVENTS} on {LEAST_DAYS} days "
            "to compare hours"
        )
        return Finding(TOO_LITTLE_DATA, says, [], more)
    hours = calendar.by_hour()
    rows = [{"hour": hour, **_row(events, ratio)} for hour, (events, ratio) in enumerate(hours)]
    best_hour, best_day = _best(hours), None
    if calendar.days >= LEAST_DAYS_OF_WEEK:
        weekdays = calendar.by_weekday()
        best_day = _best(weekdays)
        more["weekdays"] = [
            {"weekday": day, "name": NAMES[day], **_row(events, ratio)} for day, (events, ratio) in enumerate(weekdays)
        ]
    more |= {"best_hour": best_hour, "best_weekday": best_day}
    when = [] if best_day is None else [f"on {NAMES[best_day]}s ({_ratio(weekdays[best_day])})"]
    when += [] if best_hour is None else [f"from {best_hour}:00 to {best_hour + 1}:00 ({_ratio(hours[best_hour])})"]
    if not when:
        return Finding(NO_DIFFERENCE, "no difference between hours or weekdays that the data support", rows, more)
    return Finding(FOUND, f"most events come {' and '.join(when)}, {zone_name} time", rows, more)


def _row(events: int, ratio: Bounds | None) -> dict[str, Any]:
    return {"events": events, **ratio_shown(ratio), "differs": ratio is not None and ratio.excludes(1)}


def _best(parts: list[tuple[int, Bounds | None]]) -> int | None:
    """Return the part with the highest rate among those that surely exceed the others."""
    sure = [(ratio.value, -part) for part, (_, ratio) in enumerate(parts) if ratio is not None and ratio.low > 1]
    return -max(sure)[1] if sure else None


def _ratio(part: tuple[int, Bounds | None]) -> str:
    assert part[1] is not None
    return f"{times(part[1].value)} the usual rate"
