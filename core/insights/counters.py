"""What was counted over a range of hours in one dimension, and what kinds of events mean to an insight."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.insights.statistics import Bounds, Rate, design_effect
from core.rows.activity import split_name

Ints = NDArray[np.int64]
Parts = tuple[str, ...]
Weight = float | str
IMPRESSION, VIEW, CLICK, SAVE, SHARE, PURCHASE = "impression", "view", "click", "save", "share", "purchase"
MOST_VALUES = 200  # of a dimension, the most frequent ones, are looked at hour by hour


class Kinds(NamedTuple):
    """The roles of the configured kinds."""

    exposures: frozenset[str]
    engagements: frozenset[str]

    @staticmethod
    def of(weights: Mapping[str, Weight]) -> "Kinds":
        """Return them by weight: an engagement weighs more than a view, or as much as its rating says."""
        view = weights.get(VIEW, 1)
        least = view if isinstance(view, int | float) else 1
        engaged = (k for k, w in weights.items() if w == "value" or (isinstance(w, int | float) and w > least))
        return Kinds(frozenset({IMPRESSION, VIEW} & weights.keys()), frozenset(engaged))


@dataclass(frozen=True)
class Counters:
    """One dimension over ``hours`` (a range of hours since the epoch): per hour the count of each packed name."""

    hours: range
    rows: Mapping[int, Mapping[bytes, int]]

    @cached_property
    def totals(self) -> dict[Parts, Counter[str]]:
        """The counts by kind of each value, over all hours."""
        sums = Counter[bytes]()
        for row in self.rows.values():
            sums.update(row)
        out: dict[Parts, Counter[str]] = {}
        for name, count in sums.items():
            parts, kind = split_name(name)
            out.setdefault(parts, Counter())[kind] += count
        return out

    def grouped(self, group: Callable[[Parts], str | None]) -> "dict[str, Series]":
        """Return the series of each group of values; a group of None is left out, as are rare values beyond many."""
        frequent = sorted(self.totals, key=lambda parts: (-self.totals[parts].total(), parts))[:MOST_VALUES]
        of = {parts: name for parts in frequent if (name := group(parts)) is not None}
        out = {name: Series(self.hours, {}) for name in dict.fromkeys(of.values())}
        for hour, row in self.rows.items():
            for packed, count in row.items():
                parts, kind = split_name(packed)
                if parts in of:
                    out[of[parts]].column(kind)[hour - self.hours.start] += count
        return out


@dataclass(frozen=True)
class Series:
    """The counts of some values by kind, hour by hour."""

    hours: range
    kinds: dict[str, Ints]

    def column(self, kind: str) -> Ints:
        """Return the counts of that kind, which may be added to."""
        return self.kinds.setdefault(kind, np.zeros(len(self.hours), np.int64))

    def of(self, kinds: Iterable[str]) -> Ints:
        """Return the counts of those kinds together."""
        columns = [self.kinds[kind] for kind in kinds if kind in self.kinds]
        return np.sum(columns, axis=0) if columns else np.zeros(len(self.hours), np.int64)

    @cached_property
    def events(self) -> Ints:
        """The counts of all kinds together."""
        return self.of(self.kinds)

    @property
    def totals(self) -> dict[str, int]:
        """The counts by kind over all hours, the most frequent first."""
        sums = {kind: int(column.sum()) for kind, column in self.kinds.items()}
        return dict(sorted(sums.items(), key=lambda row: (-row[1], row[0])))

    def rate(self, kinds: Iterable[str], of: Iterable[str]) -> Rate:
        """Return how many events of the one kinds there are for one of the others."""
        counts, sizes = self.of(kinds), self.of(of)
        return Rate(int(counts.sum()), int(sizes.sum()), design_effect(counts, sizes))

    def engagement(self, kinds: Kinds) -> Rate:
        return self.rate(kinds.engagements, kinds.exposures)

    def click_through(self) -> Rate:
        return self.rate([CLICK], [IMPRESSION])


def joined(series: Iterable[Series], hours: range) -> Series:
    """Return the counts of all series together."""
    out = Series(hours, {})
    for part in series:
        for kind, column in part.kinds.items():
            out.column(kind)[:] += column
    return out


def rate_shown(rate: Rate) -> dict[str, Any]:
    """Return a rate as answers have it."""
    bounds = rate.bounds()
    low, high = (None, None) if bounds is None else (bounds.low, bounds.high)
    return {"count": rate.count, "of": rate.of, "rate": rate.value, "low": low, "high": high}


def ratio_shown(ratio: Bounds | None) -> dict[str, Any]:
    """Return a ratio as answers have it."""
    value, low, high = (None, None, None) if ratio is None else ratio
    return {"ratio": value, "low": low, "high": high}
