"""``freshness`` as an answer: its hours are those in which events entered the log, not those of the events."""

from adapters.records.delays import known_hours, read_delays
from core.insights.finding import TOO_LITTLE_DATA, Finding
from core.insights.freshness import NOT_READABLE, NOT_RECORDED, freshness
from serving_layer.insights.asked import NO_HOURS
from serving_layer.reading.patience import reading
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import SPEED_SIDE


def recorded_hours(snapshot: Snapshot) -> range:
    """Return the hours of which the speed layer has a record; none where it cannot be read."""
    if SPEED_SIDE in snapshot.without:
        return NO_HOURS
    with reading(SPEED_SIDE):
        return known_hours(snapshot.views.speed)


def freshness_of(snapshot: Snapshot, hours: range) -> Finding:
    """Return how long the events took that entered the log in those hours."""
    with reading(SPEED_SIDE):
        return freshness(read_delays(snapshot.views.speed, hours))


def unknown(snapshot: Snapshot) -> Finding:
    """Return why nothing is known."""
    return Finding(TOO_LITTLE_DATA, NOT_READABLE if SPEED_SIDE in snapshot.without else NOT_RECORDED, [])
