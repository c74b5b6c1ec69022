"""Event times as data sets write them, in epoch milliseconds."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.errors import BadInput
from schemas.event import EARLIEST_EVENT_TIME_MS

# Milliseconds per unit.
EPOCH_STYLES = {
    "epoch-s": Fraction(1_000),
    "epoch-ms": Fraction(1),
    "epoch-us": Fraction(1, 1_000),
    "epoch-ns": Fraction(1, 1_000_000),
}
MAX_DIGITS = 30  # of a time: 1e999999999 would fill the memory
_ZONE = re.compile(r" ([+-][0-9]{2}:?[0-9]{2})$")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
TimeParser = Callable[[str], int]  # raises ValueError


def time_parser(style: str, timezone: str = "UTC") -> TimeParser:
    """Return a parser of one column of times.

    Args:
        style: an epoch style, ``iso`` or a strptime pattern such as ``%d/%m/%Y %H:%M``.
        timezone: IANA name, for times without a zone; an hour that occurs twice means the first one.
    Raises:
        BadInput: the time zone or the style is unknown.
    """
    zone = _zone(timezone)
    if style in EPOCH_STYLES:
        return lambda text: _scaled(text, EPOCH_STYLES[style])
    if style == "iso":
        return _naming(lambda text: to_milliseconds(datetime.fromisoformat(_without_blank(text)), zone))
    if "%" not in style:
        styles = ", ".join(EPOCH_STYLES)
        raise BadInput(f"'{style}' is no time format: use {styles}, iso or a pattern such as '%Y-%m-%d %H:%M'")
    _require_pattern(style)
    return _naming(lambda text: to_milliseconds(datetime.strptime(text, style), zone))  # noqa: DTZ007 - the zone is next


def _naming(parse: TimeParser) -> TimeParser:
    """Return ``parse``, with the unreadable text as the message of its errors."""

    def parsed(text: str) -> int:
        try:
            return parse(text)
        except (ValueError, OverflowError):
            raise ValueError(text) from None

    return parsed


def likely_style(time: int, style: str, latest: int) -> str:
    """Return the epoch style that brings a time outside the contract's range into it; empty when none does.

    Args:
        time: epoch ms, as read by ``style``.   latest: the last time of the range, epoch ms.
    """
    if style not in EPOCH_STYLES:
        return ""
    for other, unit in EPOCH_STYLES.items():
        if EARLIEST_EVENT_TIME_MS <= time / EPOCH_STYLES[style] * unit <= latest:
            return other
    return ""


def to_milliseconds(moment: datetime, zone: tzinfo = UTC) -> int:
    """Return whole milliseconds since 1970, rounded down; ``zone`` applies to a moment without one."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return (aware - EPOCH) // MILLISECOND


def _scaled(text: str, unit: Fraction) -> int:
    """Return whole milliseconds, rounded down; exact, unlike a float."""
    try:
        return int(text) * unit.numerator // unit.denominator
    except ValueError:
        pass
    try:
        number = Decimal(text)
        if number.adjusted() > MAX_DIGITS:
            raise ValueError(text)
        return int((number * unit.numerator / unit.denominator).__floor__())
    except (InvalidOperation, OverflowError, ValueError):
        raise ValueError(text) from None


def _without_blank(text: str) -> str:
    """Return ``2025-10-07 09:50:25 +0200`` and ``… UTC`` in the form that ``fromisoformat`` reads."""
    if text.endswith(("UTC", "GMT")):
        return text[:-3].rstrip() + "Z"
    return _ZONE.sub(r"\1", text)


def _require_pattern(pattern: str) -> None:
    """Raise BadInput for a directive that ``strptime`` does not know."""
    try:
        datetime.strptime("", pattern)  # noqa: DTZ007 - only the pattern is tried
    except (ValueError, re.error) as error:
        if not str(error).startswith("time data"):
            raise BadInput(f"'{pattern}' is no time format: {error}") from None


def _zone(name: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"'{name}' is no time zone: use an IANA name such as Europe/London") from None
