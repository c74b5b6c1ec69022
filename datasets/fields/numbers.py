"""Numbers as shops write them: decimal commas, thousands separators, currency signs."""

import math
import re
from decimal import Decimal
from typing import Any

MAX_AMOUNT = 80  # characters
_SIGNS = "$¢£¤¥֏؋৲৳฿៛₠-⃀﷼﹩$¢£¥₩"
_CURRENCY = rf"(?:[A-Z]{{0,3}}[{_SIGNS}]|[A-Z]{{3}}|kr\.?|zł|Kč|Fr\.?)"
_SPACES = "\u00a0\u202f\u2009 "
_MONEY = re.compile(
    rf"(?P<sign>[-+−]?)\s*(?:{_CURRENCY})?\s*(?P<minus>[-−]?)(?P<amount>[0-9][0-9.,'’{_SPACES}]*?|[.,][0-9]+)\s*(?:{_CURRENCY})?"
)
_AMOUNTS = {
    decimal: re.compile(
        rf"(?:[0-9]{{1,3}}(?P<by>[{thousands}'’{_SPACES}])[0-9]{{3}}(?:(?P=by)[0-9]{{3}})*|[0-9]*)(?:\{decimal}[0-9]*)?"
    )
    for decimal, thousands in ((".", ","), (",", "."))
}


def number(text: str, decimal: str = ".") -> int | float | None:
    """Return the finite number that a text writes, as an int where it is whole; None if the text is not a number.

    Args:
        decimal: what stands before the fraction, ``.`` or ``,``; the other one may separate thousands.

    >>> number("1,234.50"), number("€ 12,50", ","), number("12,50"), number("NULL")
    (1234.5, 12.5, None, None)
    """
    try:
        value = float(text) if decimal == "." else _money(text, decimal)
    except ValueError:
        value = _money(text, decimal)
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def plain_number(value: Any) -> int | float | None:
    """Return a finite number that is one already, as of JSON or Avro; None for true, false and what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int):
        return value if abs(value) < 2**53 else float(value)
    amount = float(value)
    if not math.isfinite(amount):
        return None
    return int(amount) if amount.is_integer() and abs(amount) < 2**53 else amount


def _money(text: str, decimal: str) -> float:
    """Return the amount, or NaN when the text is none."""
    money = _MONEY.fullmatch(text.strip()) if len(text) <= MAX_AMOUNT else None
    if not money or not _AMOUNTS[decimal].fullmatch(money["amount"]):
        return math.nan
    digits = re.sub(rf"[^0-9{re.escape(decimal)}]", "", money["amount"]).replace(decimal, ".")
    negative = (money["sign"] or money["minus"]) in ("-", "−")
    return float(f"{'-' if negative else ''}{digits}") if any(map(str.isdigit, digits)) else math.nan
