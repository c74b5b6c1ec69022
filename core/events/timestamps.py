"""Times as they come: a JSON integer of epoch milliseconds, or an RFC 3339 date-time with zone."""

import re
from datetime import UTC, date, datetime

_MS_PER_MINUTE = 60_000
_MS_PER_DAY = 86_400_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d+))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)


def epoch_ms(given: object) -> int | None:
    """Return whole milliseconds since 1970, rounded down; None for a text that is no time.

    An integer in any other form (1.0, 1e3) is no time, nor are true and false, second 60, hour 24, or a day that
    the calendar lacks. Year 0000 is none either: no field reaches back that far.
    """
    if isinstance(given, str):
        return _rfc_3339_ms(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _rfc_3339_ms(text: str) -> int | None:
    match = _RFC_3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, offset_hour, offset_minute = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    minutes = int(hour) * 60 + int(minute)
    if sign:
        offset = int(offset_hour) * 60 + int(offset_minute)
        minutes += offset if sign == "-" else -offset
    milliseconds = int((fraction or "")[:3].ljust(3, "0"))
    return days * _MS_PER_DAY + minutes * _MS_PER_MINUTE + int(second) * 1000 + milliseconds


def time_text(epoch_ms: int | None) -> str:
    """Return a time in UTC to the second."""
    if epoch_ms is None:
        return "-"
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
