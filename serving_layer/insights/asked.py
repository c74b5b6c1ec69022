"""What is asked of an insight: a range of hours that has data, categories, a time zone; refusals name what exists."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from core.events.timestamps import time_text
from core.insights.table import INSIGHTS, Insight
from core.rows.codec import Facts
from schemas.errors import Unprocessable
from schemas.event import BUCKET_MS
from schemas.rules import Rules
from serving_layer.merged.catalogue import NotFound

MOST_HOURS = 366 * 24
MOST_NAMED = 50  # of categories that would match
LIKENESS = 0.8  # of names, from which on one may have been meant by the other
MOST_COMPARED = 100  # characters of a name that is compared with others
OF_THE_SERVER = ("localtime", "posixrules")  # files among the zones that are none: they mean another one elsewhere
NO_HOURS = range(0)


class Refused(Unprocessable):
    """The insight cannot be asked so (HTTP 422); ``more``: what exists or would match, for programs."""

    def __init__(self, why: str, **more: Any) -> None:
        super().__init__(why)
        self.more = more


class NoSuchInsight(NotFound):
    """There is no insight of that name (HTTP 404)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no insight {name!r}: the insights are {', '.join(INSIGHTS)}")
        self.more = {"insights": list(INSIGHTS)}


@dataclass(frozen=True)
class Asked:
    """The filters of a request. ``first``, ``end``: epoch ms, the end exclusive; None: as far as the insight looks."""

    categories: frozenset[str] = frozenset()
    first: int | None = None
    end: int | None = None
    zone: str | None = None


def insight_of(name: str, asked: Asked, rules: Rules) -> Insight:
    """Return the insight of that name, if it takes these filters and what it reads is counted.

    Raises:
        NoSuchInsight: unknown name.      Refused: it takes no such filter, or the settings leave its counters out.
    """
    if (insight := INSIGHTS.get(name)) is None:
        raise NoSuchInsight(name)
    for given, value in (("category", asked.categories), ("zone", asked.zone)):
        if value and given not in insight.takes:
            raise Refused(
                f"{name} cannot be asked by {given}: it takes {', '.join(insight.takes)}", takes=insight.takes
            )
    require_counted(insight.dimension, rules)
    if asked.categories and insight.dimension == "all":
        require_counted("category", rules)
    return insight


def require_counted(dimension: str, rules: Rules) -> None:
    """Raise Refused for a dimension that the settings leave out."""
    if dimension not in ("", "all", *rules.dimensions):
        raise Refused(
            f"events are not counted by {dimension}: add it to `dimensions` of `[fold]`, stop the speed layer and run "
            "`millrace batch run --full`"
        )


def zone_of(name: str | None) -> tuple[ZoneInfo, str]:
    """Return a time zone by its IANA name; None is UTC."""
    try:
        if name in OF_THE_SERVER:
            raise ValueError
        return ZoneInfo(name or "UTC"), name or "UTC"
    except (KeyError, ValueError, OSError):
        near = _nearest(name or "", _zones())
        advice = f"did you mean {' or '.join(near)}?" if near else "write an IANA name such as Europe/Berlin"
        raise Refused(f"unknown time zone {_short(name or '')!r}: {advice}") from None


def existing(facts: Facts) -> range:
    """Return the hours from the first counted event to ``as_of``'s; empty where nothing is counted."""
    if facts.first_hour is None or facts.as_of is None:
        return NO_HOURS
    return range(facts.first_hour, max(facts.first_hour, facts.as_of // BUCKET_MS) + 1)


def hours_asked(asked: Asked, days: int, data: range) -> range:
    """Return the hours that are asked for, as far as there are data.

    Raises:
        Refused: the range is empty, too long or outside the data.
    """
    exists = shown(data) if data else None
    span = f"the data, which are from {time_text(exists['from'])} to {time_text(exists['to'])}" if exists else ""
    if asked.first is not None and asked.end is not None and asked.first >= asked.end:
        why = f"from ({time_text(asked.first)}) is not before to ({time_text(asked.end)})"
        raise Refused(f"{why}; ask for a part of {span}" if exists else why, exists=exists)
    end = data.stop if asked.end is None else -(-asked.end // BUCKET_MS)
    first = end - days * 24 if asked.first is None else asked.first // BUCKET_MS
    wanted = range(max(first, data.start), min(end, data.stop))
    if exists and not wanted:
        raise Refused(f"the range lies outside {span}", exists=exists)
    if len(wanted) > MOST_HOURS:
        raise Refused(f"the range has {len(wanted) // 24} days: ask for at most {MOST_HOURS // 24}")
    return wanted


def shown(hours: range) -> dict[str, int]:
    """Return a range of hours as answers have it."""
    return {"from": hours.start * BUCKET_MS, "to": hours.stop * BUCKET_MS}


def require_matches(categories: frozenset[str], there: set[str]) -> None:
    """Raise Refused unless each of the categories is there."""
    if missing := sorted(categories - there):
        near = _nearest(missing[0], there - {""})
        names = [*near, *sorted(there - {"", *near})]
        named, more = names[:MOST_NAMED], len(names) - MOST_NAMED
        would = f"these would match: {', '.join(named)}" if names else "no event in this range names a category"
        would += f" and {more} more" if more > 0 else ""
        meant = f": did you mean {near[0]!r}?" if near else ";"
        raise Refused(f"no event in this range is of category {missing[0]!r}{meant} {would}", would_match=named)


def _nearest(name: str, known: Collection[str]) -> list[str]:
    """Return up to three known names like that one, whatever their case; those that hold it whole first."""
    folded, wanted = {other.casefold(): other for other in known}, name.casefold()
    if wanted in folded or not wanted:
        return [folded[wanted]] if wanted else []
    whole = sorted((other for other in folded if len(wanted) > 2 and wanted in other), key=len)
    close = get_close_matches(wanted, folded, 3, LIKENESS) if len(wanted) <= MOST_COMPARED else []
    return [folded[other] for other in dict.fromkeys([*whole, *close])][:3]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - set(OF_THE_SERVER)


def _short(name: str) -> str:
    return name if len(name) <= MOST_COMPARED else name[:MOST_COMPARED] + "…"
