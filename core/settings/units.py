"""Durations and amounts of memory as text."""

from collections.abc import Callable, Mapping

from schemas.errors import SettingsError

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_UNITS_BYTES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def milliseconds(text: str) -> int:
    """Return a duration such as ``200ms``, ``1.5s``, ``10m``, ``24h`` or ``30d`` in whole milliseconds."""
    unit = text.lstrip("0123456789.")
    number = text[: len(text) - len(unit)]
    try:
        return int(float(number) * _UNITS_MS[unit])
    except (ValueError, KeyError, OverflowError):
        raise SettingsError(f"'{text}' is not a duration: write a number and ms, s, m, h or d, e.g. 24h") from None


def memory_bytes(text: str) -> int:
    """Return an amount of memory such as ``512m`` or ``4g`` in bytes."""
    try:
        return int(float(text[:-1]) * _UNITS_BYTES[text[-1:].lower()])
    except (ValueError, KeyError, OverflowError):
        raise SettingsError(f"'{text}' is not an amount of memory: write a number and k, m, g or t, e.g. 4g") from None


def duration_text(whole: int) -> str:
    """Return the duration as text, in the largest unit that divides it."""
    return _written(whole, _UNITS_MS) if whole else "0s"


def memory_text(whole: int) -> str:
    """Return the amount as text, in the largest unit that divides it; without a unit if none does."""
    return _written(whole, {"": 1, **_UNITS_BYTES})


AS_TEXT: Mapping[str, Callable[[int], str]] = {"duration": duration_text, "memory": memory_text}  # by unit


def limit_text(number: float, unit: str) -> str:
    """Return a setting's limit as people write it; ``unit``: one of ``AS_TEXT``, or empty."""
    as_text = AS_TEXT.get(unit)
    return f"{number:.15g}" if as_text is None else as_text(int(number))


def _written(whole: int, units: Mapping[str, int]) -> str:
    size, unit = max((size, unit) for unit, size in units.items() if whole % size == 0)
    return f"{whole // size}{unit}"
