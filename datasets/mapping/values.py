"""Values of any source as texts and times: JSON, Avro, Protobuf and Parquet have more types than a file of text."""

import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from datasets.fields.acceptance import Dropped
from datasets.fields.times import EPOCH_STYLES, TimeParser, time_parser, to_milliseconds
from schemas.errors import BadInput

_MAX_WHOLE = 2.0**53


def as_text(value: Any, field: str) -> str:
    """Return an id or another text; whole numbers have no fraction, nothing is the empty text.

    Raises: Dropped for what is no text, such as an object or true.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and not (value.is_integer() and abs(value) < _MAX_WHOLE):
        if math.isnan(value):
            return ""
        raise Dropped(f"{field} is no text", repr(value))
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | UUID | bytes):
        raise Dropped(f"{field} is no text", repr(value)[:80])
    if isinstance(value, bytes):
        return _decoded(value, field)
    return str(int(value)) if isinstance(value, float) else str(value)


def _decoded(value: bytes, field: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Dropped(f"{field} is no text", repr(value)[:80]) from None


class Time:
    """Reads times as epoch milliseconds; ``style`` may name several, as ``iso or %d.%m.%Y``: the first that fits."""

    def __init__(self, style: str, timezone: str) -> None:
        self._parse = _either([time_parser(one, timezone) for one in style.split(" or ")])
        self._is_epoch = style in EPOCH_STYLES
        self._per_unit = EPOCH_STYLES.get(style, EPOCH_STYLES["epoch-ms"])
        self._numbers: TimeParser = self._parse if style in EPOCH_STYLES else time_parser("epoch-ms")
        self._zone_parse = time_parser("iso", timezone)

    def __call__(self, value: Any) -> int:
        """Return whole milliseconds. A number is in the style's unit, else in milliseconds. Raises ValueError."""
        if type(value) is int:
            return value * self._per_unit.numerator // self._per_unit.denominator
        if isinstance(value, str):
            return self._parse(value.strip())
        if isinstance(value, bool) or value is None:
            raise ValueError("" if value is None else str(value))
        if isinstance(value, int | float | Decimal):
            return self._numbers(str(value))
        if isinstance(value, datetime):
            return to_milliseconds(value) if value.tzinfo else self._zone_parse(value.isoformat())
        if isinstance(value, date):
            return self._zone_parse(value.isoformat())
        raise ValueError(repr(value)[:80])

    def column(self, values: Sequence[Any], odd: set[int]) -> Sequence[int]:
        """Return whole milliseconds of many values; the places of what is no time are added to ``odd``."""
        types = set(map(type, values))
        with suppress(ValueError):
            if types == {int}:
                return self._scaled(values)
            if types == {str}:
                return self._scaled(list(map(int, values))) if self._is_epoch else list(map(self, values))
        times = []
        for place, value in enumerate(values):
            try:
                times.append(self(value))
            except ValueError:
                odd.add(place)
                times.append(0)
        return times

    def _scaled(self, numbers: Sequence[int]) -> Sequence[int]:
        times, per = self._per_unit.numerator, self._per_unit.denominator
        return numbers if times == per else [number * times // per for number in numbers]


def _either(parsers: list[TimeParser]) -> TimeParser:
    if len(parsers) == 1:
        return parsers[0]

    def parse(text: str) -> int:
        for parser in parsers[:-1]:
            with suppress(ValueError):
                return parser(text)
        return parsers[-1](text)

    return parse


def start_of(date: str) -> datetime:
    """Return the moment that days are counted from. Raises BadInput for a text that is no date."""
    try:
        return datetime.fromisoformat(date)
    except ValueError:
        raise BadInput(f"since must be a date such as 2017-01-01, not {date!r}") from None


def days_after(start: datetime, days: Any) -> int:
    """Return the epoch milliseconds of a number of days after a date. Raises ValueError."""
    try:
        return to_milliseconds(start + timedelta(days=float(days)))
    except (TypeError, ValueError, OverflowError):
        raise ValueError(str(days)) from None
