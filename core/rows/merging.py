"""Reading merged rows without compiled code, whose import alone takes longer than a whole lookup."""

from collections.abc import Iterable

from core.rows.codec import unpack_seen, unpack_sums
from core.rows.tagged import settle
from core.rows.words import Seen, joined_words, touches_of
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


def overlaid(parts: Iterable[bytes]) -> dict[bytes, Seen]:
    """Return what packed words say of each item, retracted ones too (``core.rows.views.merge_seen``)."""
    out: dict[bytes, tuple[int, int]] = {}
    for part in parts:
        words = unpack_seen(part)
        for name in words.keys() & out.keys():
            words[name] = joined_words(out[name], words[name])
        out.update(words)
    return {name: Seen(abs(said), *touches_of(touches)) for name, (said, touches) in out.items()}
