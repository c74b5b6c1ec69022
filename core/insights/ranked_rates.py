"""Which of several rates is the highest and which the lowest, as far as the data can tell."""

from collections.abc import Mapping
from typing import NamedTuple

from core.insights.finding import LEAST_OF
from core.insights.statistics import Rate, difference


class Ends(NamedTuple):
    """``highest``, ``lowest``: the name, None where the data cannot tell it from all others.

    ``compared``: by how many names; ``differs``: whether the first and the last of them do.
    """

    highest: str | None = None
    lowest: str | None = None
    compared: int = 0
    differs: bool = False


def ends_of(rates: Mapping[str, Rate]) -> Ends:
    """Return the ends of those rates that are proportions of enough; pairs are compared at 95 % for all together."""
    used = {name: rate for name, rate in rates.items() if rate.is_share and rate.of >= LEAST_OF}
    if len(used) < 2:
        return Ends(compared=len(used))
    order = sorted(used, key=lambda name: (-used[name].count / used[name].of, name))
    pairs = len(order) * (len(order) - 1) // 2
    highest = all(_exceeds(used[order[0]], used[other], pairs) for other in order[1:])
    lowest = all(_exceeds(used[other], used[order[-1]], pairs) for other in order[:-1])
    differs = _exceeds(used[order[0]], used[order[-1]], pairs)
    return Ends(order[0] if highest else None, order[-1] if lowest else None, len(order), differs)


def _exceeds(a: Rate, b: Rate, comparisons: int) -> bool:
    gap = difference(a, b, comparisons)
    return gap is not None and gap.low > 0
