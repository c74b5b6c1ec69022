"""Which events a walk asks about, and the regimes in which it lives through them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from batch_layer.learning.splits import earlier
from batch_layer.learning.splits import is_new as is_new
from core.quality.ranking_quality import TRAIN_SHARE, Interactions, Ints, Mask

FROZEN, RETRAINED, LIVE, LATE = "frozen", "retrained", "live", "late"
MOST_ASKED = 10_000
SEED = 42
RETRAINS = 30  # in the later part, where no period is given


@dataclass(frozen=True)
class Regime:
    """``live``: the speed layer applies each event. ``every_ms``: between two generations; None: the first one stays.

    ``late_ms``: how late everything is; with 0 only events of an earlier moment count. None: an event counts for the
    very next one, even if both are of one moment.
    """

    name: str
    live: bool
    every_ms: int | None
    late_ms: int | None = None


@dataclass(frozen=True)
class Asked:
    """The events asked about, ascending, and what was known before each: ``user_events``, ``item_events``.

    ``begin``: where the walk begins. ``judged``: those that figures are of; the others have users without any event.
    """

    begin: int
    event: Ints
    judged: Mask
    user_events: Ints
    item_events: Ints


def asked(events: Interactions, seen_again: bool, most: int = MOST_ASKED) -> Asked:
    """Return the events of the later part whose users touch something new, or anything where seen items count.

    A uniform sample, if there are more than ``most``; and as many of those that are their user's first at most.
    """
    begin = len(events.split(TRAIN_SHARE)[0])
    user_events, item_events = earlier(events.user), earlier(events.item)
    possible = (events.weight > 0) & (np.arange(len(events)) >= begin)
    if not seen_again:
        possible &= is_new(events)
    rng = np.random.default_rng(SEED)
    known, first = (_drawn(np.flatnonzero(possible & part), most, rng) for part in (user_events > 0, user_events == 0))
    event = np.sort(np.r_[known, first])
    return Asked(begin, event, user_events[event] > 0, user_events[event], item_events[event])


def _drawn(events: Ints, most: int, rng: np.random.Generator) -> Ints:
    return np.sort(rng.choice(events, most, replace=False)) if len(events) > most else events


def retrains(events: Interactions, begin: int, every_ms: int | None) -> Iterator[tuple[int, int]]:
    """Yield the moments of generations in the later part, and how many events lie before each."""
    at, last = int(events.time[begin]), int(events.time[-1])
    yield at, begin
    while every_ms and (at := at + every_ms) <= last:
        yield at, int(np.searchsorted(events.time, at, "left"))


def default_period(events: Interactions, begin: int) -> int:
    """Return a period, in milliseconds, that makes ``RETRAINS`` generations of the later part."""
    return max(1, int(events.time[-1] - events.time[begin]) // RETRAINS)
