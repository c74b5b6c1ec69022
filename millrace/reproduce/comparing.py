"""Two answers compared field by field."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Scores are floating-point numbers: another processor may round their last digits otherwise.
RELATIVE, ABSOLUTE = 1e-9, 1e-12
MISSING = "(missing)"
# They say how an answer was put together, not what it says: the segments and parts that it was read from.
NOT_COMPARED = ("segment", "degraded")


@dataclass(frozen=True)
class Difference:
    """A field, as ``items[0].score``, with its two values."""

    field: str
    given: Any
    recomputed: Any


@dataclass(frozen=True)
class Comparison:
    """How many values were compared, and those that differ."""

    fields: int
    differences: list[Difference]


def compared(given: dict[str, Any], recomputed: dict[str, Any]) -> Comparison:
    """Compare every value of the given answer with the recomputed one's.

    A field that only the recomputed answer has was added by a later version and is passed over.
    """
    answer = {name: value for name, value in given.items() if name not in NOT_COMPARED}
    pairs = list(_pairs("", answer, recomputed))
    differing = [Difference(field, one, other) for field, one, other in pairs if not _equal(one, other)]
    return Comparison(len(pairs), differing)


def _pairs(field: str, given: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield each single value of the given answer with its counterpart."""
    if isinstance(given, dict) and isinstance(other, dict):
        for name, value in given.items():
            yield from _pairs(f"{field}.{name}" if field else name, value, other.get(name, MISSING))
    elif isinstance(given, list) and isinstance(other, list):
        for place in range(max(len(given), len(other))):
            both = (rows[place] if place < len(rows) else MISSING for rows in (given, other))
            yield from _pairs(f"{field}[{place}]", *both)
    else:
        yield field, given, other


def _equal(one: Any, other: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    if numbers and not (isinstance(one, int) and isinstance(other, int)):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(one) is type(other) and bool(one == other)
