"""How long events took into the answers, by the hour in which they entered the log: rows of a book of their own.

A space holds the hours of one day (days since the epoch). A process that writes has rows of its own, whose values only
grow, so that writing one again does no harm and two processes never overwrite each other. It is no view: it says when
something was done, which no recompute can repeat.
"""

from collections.abc import Mapping

from adapters.records.books import FRESHNESS
from adapters.stores.port import ViewStore
from core.telemetry.delays import Delays

HOURS_OF_DAY, KEPT_DAYS = 24, 366
NO_HOURS = range(0)
_HOUR_BYTES = 4


def write_delays(store: ViewStore, writer: bytes, hours: Mapping[int, Delays]) -> None:
    """Write what ``writer`` counted of those hours (since the epoch), replacing what it wrote of them before."""
    rows = {(_day(hour), _key(hour, writer)): delays.packed() for hour, delays in hours.items()}
    store.put(FRESHNESS, rows)


def known_hours(store: ViewStore) -> range:
    """Return the hours from the first to the last of which something is known."""
    days = _days(store)
    if not days:
        return NO_HOURS
    first, last = (_hours_of(store, day) for day in (days[0], days[-1]))
    return range(min(first), max(last) + 1) if first and last else NO_HOURS


def read_delays(store: ViewStore, hours: range) -> dict[int, Delays]:
    """Return what all writers counted of each of those hours; hours without an event are left out."""
    parts: dict[int, list[Delays]] = {}
    for day in _days(store):
        if hours.start // HOURS_OF_DAY <= day <= (hours.stop - 1) // HOURS_OF_DAY:
            for hour, delays in _hours_of(store, day).items():
                if hour in hours:
                    parts.setdefault(hour, []).extend(delays)
    return {hour: Delays.joined(parts[hour]) for hour in sorted(parts)}


def forget_days(store: ViewStore, newest_hour: int) -> None:
    """Delete the days that are too old."""
    for day in _days(store):
        if day <= newest_hour // HOURS_OF_DAY - KEPT_DAYS:
            store.delete(FRESHNESS, str(day))


def _days(store: ViewStore) -> list[int]:
    return sorted(map(int, store.spaces(FRESHNESS)))


def _hours_of(store: ViewStore, day: int) -> dict[int, list[Delays]]:
    out: dict[int, list[Delays]] = {}
    for key, value in store.scan(FRESHNESS, str(day)):
        hour = int.from_bytes(key[:_HOUR_BYTES], "big")
        out.setdefault(hour, []).append(Delays.unpacked(value))
    return out


def _day(hour: int) -> str:
    return str(hour // HOURS_OF_DAY)


def _key(hour: int, writer: bytes) -> bytes:
    return hour.to_bytes(_HOUR_BYTES, "big") + writer
