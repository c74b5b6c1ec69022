"""Hourly counts added up over a window or with a half-life, and the lists that follow from them."""

import numpy as np

from core.ranking import ranked
from core.ranking.columns import Columns
from core.ranking.decay import faded, hours_of, in_counts
from core.ranking.ranked import Ordered, Ranked, by_units
from core.ranking.scores import Window, WindowCounts
from recommenders.port import Ints
from schemas.event import BUCKET_MS
from serving_layer.merged import within_shares
from serving_layer.merged.count_cache import Counts, cache_of, once_a_commit
from serving_layer.merged.running import Running, running_of
from serving_layer.reading.snapshot import Snapshot


def window_counts(snapshot: Snapshot, window: Window) -> WindowCounts:
    """Return the merged counts of a window and its baseline; 0 for items that occur elsewhere."""
    hours, index, cache = range(window.baseline.start, window.window.stop), snapshot.index, cache_of(snapshot)

    def add(sums: Ints, counts: Counts) -> Ints:
        out = _grown(sums.reshape(3, -1), len(index))
        for hour, codes, amounts in counts:
            for place, part in enumerate((window.window, window.baseline, window.before)):
                if hour in part:
                    out[place, codes] += amounts  # a packed row names nothing twice
        return out.ravel()

    def of_generation() -> Ints:
        parts = within_shares.of_generation(snapshot, hours)
        return add(np.zeros(0, np.int64), cache.by_hour(parts, snapshot))

    def seen(sums: Ints, _: WindowCounts | None, __: Ints) -> WindowCounts:
        return WindowCounts(index, *sums.reshape(3, -1))

    def added() -> WindowCounts:
        running = Running(hours, lambda: cache.of_generation(window, of_generation), add, seen)
        return running_of(snapshot).of(window, snapshot, running)

    return once_a_commit(snapshot, window, added)


def trends(snapshot: Snapshot, window: Window) -> Ranked:
    """Return the growing items, best first, for a window that has a trend."""
    return once_a_commit(
        snapshot, ("trends", window), lambda: ranked.trends(window_counts(snapshot, window), snapshot.views.kernels)
    )


def popular(snapshot: Snapshot, window: Window) -> Ranked:
    """Return the items by frequency in the window."""
    return once_a_commit(
        snapshot, ("popular", window), lambda: ranked.popular(window_counts(snapshot, window), snapshot.views.kernels)
    )


def decayed(snapshot: Snapshot, half_life_hours: float) -> Ordered | None:
    """Return the items by their merged counts, which halve with each half-life; None while nothing was counted."""
    as_of = snapshot.facts.as_of
    if as_of is None:
        return None
    stop = as_of // BUCKET_MS + 1
    what = ("decayed", half_life_hours, stop)

    def made() -> Ordered:
        cache, index, hours = cache_of(snapshot), snapshot.index, hours_of(half_life_hours, stop - 1)
        worth = faded(half_life_hours)

        def add(units: Ints, counts: Counts) -> Ints:
            out = _grown(units, len(index))
            for hour, codes, amounts in counts:
                out[codes] += amounts * worth[stop - 1 - hour]  # a packed row names nothing twice
            return out

        def of_generation() -> Ints:
            parts = within_shares.of_generation(snapshot, hours)
            return add(np.zeros(0, np.int64), cache.by_hour(parts, snapshot))

        def seen(units: Ints, before: Ordered | None, counted: Ints) -> Ordered:
            listed = by_units(units, index, snapshot.views.kernels)
            if before is not None:
                listed.begin_with(before, Columns(counted, in_counts(units[counted])))
            return listed

        running = Running(hours, lambda: cache.of_generation(what, of_generation), add, seen)
        return running_of(snapshot).of(what, snapshot, running)

    return once_a_commit(snapshot, what, made)


def _grown(column: Ints, size: int) -> Ints:
    """Return a copy with zeros for the codes that the index has got since, along the last axis."""
    out = np.zeros((*column.shape[:-1], size), np.int64)
    out[..., : column.shape[-1]] = column
    return out
