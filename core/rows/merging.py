"""Reading merged rows without compiled code, whose import alone takes longer than a whole lookup."""

from collections.abc import Iterable

from core.rows.codec import unpack_sums
from core.rows.tagged import settle
from core.rows.words import word
from schemas.control import Position


def committed_parts(stored: bytes, position: Position) -> list[bytes]:
    """Return the packed values of a tagged row that count at this position, earlier first: none, one or two.

    Raises:
        NewerBase: as ``core.rows.tagged.settle``.
    """
    earlier: list[bytes] = []

    def keep_both(base: bytes, change: bytes) -> bytes:
        earlier.append(base)
        return change

    last = settle(stored, position, keep_both)
    return earlier if last is None else [*earlier, last]


def added(parts: Iterable[bytes]) -> dict[bytes, int]:
    """Add packed sums name by name; what becomes 0 is left out (``views.merge_sums``, slower and at once)."""
    total: dict[bytes, int] = {}
    for part in parts:
        sums = unpack_sums(part)
        if not total:
            total = sums
            continue
        for name, amount in sums.items():
            total[name] = total.get(name, 0) + amount
    return {name: amount for name, amount in total.items() if amount}


def overlaid(parts: Iterable[bytes]) -> dict[bytes, int]:
    """Return each item's rating in thousandths, 0 if retracted, from packed words (``core.rows.views.merge_seen``)."""
    out: dict[bytes, int] = {}
    for part in parts:
        words = unpack_sums(part)
        for name in words.keys() & out.keys():
            words[name] = word(out[name], words[name])
        out.update(words)
    return {name: abs(amount) for name, amount in out.items()}
