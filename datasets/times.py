"""Event times as data sets write them, in epoch milliseconds."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.errors import BadInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
TimeParser = Callable[[str], int]  # raises ValueError


def time_parser(style: str, timezone: str = "UTC") -> TimeParser:
    """How to read one column of times.

    Args:
        style: ``epoch-s``, ``epoch-ms``, ``iso`` or a strptime pattern such as ``%d/%m/%Y %H:%M``.
        timezone: IANA name, for times without a zone; of an hour that occurs twice the first is meant.
    Raises:
        BadInput: no such time zone, or a style that is none of these.
    """
    zone = _zone(timezone)
    if style == "epoch-s":
        return lambda text: _scaled(text, 1_000)
    if style == "epoch-ms":
        return lambda text: _scaled(text, 1)
    if style == "iso":
        return lambda text: to_milliseconds(datetime.fromisoformat(text.removesuffix(" UTC")), zone)
    if "%" not in style:
        raise BadInput(f"'{style}' is no time format: use epoch-s, epoch-ms, iso or a pattern such as '%Y-%m-%d %H:%M'")
    return lambda text: to_milliseconds(datetime.strptime(text, style), zone)  # noqa: DTZ007 - the zone comes next


def to_milliseconds(moment: datetime, zone: tzinfo = UTC) -> int:
    """Whole milliseconds since 1970, by floor; ``zone`` is for a moment without one."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return (aware - EPOCH) // MILLISECOND


def _scaled(text: str, factor: int) -> int:
    try:
        return int(text) * factor
    except ValueError:
        pass
    try:
        return int((Decimal(text) * factor).__floor__())  # a float would lose milliseconds
    except (InvalidOperation, OverflowError):
        raise ValueError(text) from None


def _zone(name: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"'{name}' is no time zone: use an IANA name such as Europe/London") from None
