"""``freshness``: how long events took from entering the log to the commit that brought them into the answers."""

from collections.abc import Mapping
from typing import Any

from core.events.timestamps import time_text
from core.insights.finding import FOUND, LEAST_OF, NO_DIFFERENCE, TOO_LITTLE_DATA, Finding, Row
from core.telemetry.delays import Delays
from schemas.event import BUCKET_MS

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
NOT_RECORDED = (
    "nothing is known yet: the speed layer records how long events took as it commits them, and it has committed none"
)
NOT_READABLE = "it is not known now: the speed views, which hold the record, cannot be read"
NO_EVENT = "no event entered the log in this range"


def freshness(hours: Mapping[int, Delays]) -> Finding:
    """Report the delays of the hours in which events entered the log, and which hours were slow.

    An hour is slow if half of its events took longer than 95 % of those of all other hours. There is no interval: every
    event is counted, none is a sample.
    """
    total = Delays.joined(hours.values())
    slow = [hour for hour, delays in hours.items() if _is_slow(delays, total)]
    rows = [_row(hour, delays, hour in slow) for hour, delays in hours.items()]
    more: dict[str, Any] = {"total": _figures(total), "slow": [hour * BUCKET_MS for hour in slow]}
    if not total.events:
        return Finding(TOO_LITTLE_DATA, NO_EVENT, rows, more)
    if total.events < LEAST_OF:
        return Finding(TOO_LITTLE_DATA, f"{_said(total)}; too few to tell slow hours from others", rows, more)
    if sum(delays.events > 0 for delays in hours.values()) == 1:
        return Finding(TOO_LITTLE_DATA, f"{_said(total)}; there is no other hour to compare with", rows, more)
    if not slow:
        return Finding(NO_DIFFERENCE, f"{_said(total)}; no hour was slower than the others", rows, more)
    worst = max(slow, key=lambda hour: hours[hour].seconds(0.5) or 0)
    half = in_words(hours[worst].seconds(0.5))
    also = f", and {len(slow) - 1} more hours were slow" if len(slow) > 2 else ""
    also = ", and one more hour was slow" if len(slow) == 2 else also
    says = (
        f"{_said(total)}; the hour from {time_text(worst * BUCKET_MS)} was slow: half of its events took {half} or more"
    )
    return Finding(FOUND, says + also, rows, more)


def in_words(seconds: float | None) -> str:
    """Return a delay as people read it."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _is_slow(delays: Delays, total: Delays) -> bool:
    others = total.without(delays)
    if min(delays.events, others.events) < LEAST_OF:
        return False
    half, nearly_all = delays.seconds(0.5), others.seconds(0.95)
    return half is not None and nearly_all is not None and half > nearly_all


def _said(delays: Delays) -> str:
    shares = (*SHARES.values(), 1.0)
    half, most_of_them, nearly_all, last = (in_words(delays.seconds(share)) for share in shares)
    return (
        f"of {delays.events:,} events half were in the answers within {half}, 95 % within {most_of_them}, 99 % within "
        f"{nearly_all} and all within {last}"
    )


def _row(hour: int, delays: Delays, slow: bool) -> Row:
    return {"from": hour * BUCKET_MS, **_figures(delays), "slow": slow}


def _figures(delays: Delays) -> dict[str, Any]:
    """Return the number of events, and in seconds within which shares of them were in the answers."""
    shares = {name: rounded(delays.seconds(share)) for name, share in SHARES.items()}
    return {"events": delays.events, **shares, "max": delays.most / 1000 if delays.events else None}


def rounded(seconds: float | None) -> float | None:
    """Return seconds to the millisecond, as delays are measured."""
    return None if seconds is None else round(seconds, 3)
