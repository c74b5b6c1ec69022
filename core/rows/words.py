"""What a stretch of the log says of a user and an item: rating and touches, or that it was retracted."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

MINUTE_MS = 60_000
MINUTE_BITS = 26  # minutes since 1970, up to the year 2097
LAST_MINUTE = (1 << MINUTE_BITS) - 1
MOST_TOUCHES = (1 << (63 - 2 * MINUTE_BITS)) - 1


class Seen(NamedTuple):
    """One item of a user's: rating in thousandths, 0 where it was retracted last, and its touches since then.

    ``touches``: how many, up to ``MOST_TOUCHES``. ``first``, ``last``: their earliest and latest minute.
    """

    rating: int
    touches: int = 0
    first: int = 0
    last: int = 0

    def __bool__(self) -> bool:
        """Return whether the item stands."""
        return self.rating > 0


RETRACTED = Seen(0)


class Words(NamedTuple):
    """Distinct pairs of user and item, ascending, with what was said of each, in columns of equal length.

    ``ratings``: the greatest weight after the last ``remove``, thousandths; 0 where that came last. ``retracted``:
    whether there was a ``remove``. ``touches``: packed, as of ``touches_of``.
    """

    pairs: Ints
    ratings: Ints
    retracted: Mask
    touches: Ints


def minute_of(event_time: int) -> int:
    """Return the minute of a time in epoch milliseconds, as touches know it."""
    return min(event_time // MINUTE_MS, LAST_MINUTE)


def touches_of(packed: int) -> tuple[int, int, int]:
    """Return how many touches a packed number holds, and their first and last minute."""
    return packed >> 2 * MINUTE_BITS, packed & LAST_MINUTE, (packed >> MINUTE_BITS) & LAST_MINUTE


def pack_touches(touches: int, first: int, last: int) -> int:
    """Return them as one number >= 0; no touches are 0."""
    return (touches << MINUTE_BITS | last) << MINUTE_BITS | first


def joined(earlier: int, later: int) -> int:
    """Return packed touches of two stretches together. Associative, in whatever order."""
    if not earlier or not later:
        return earlier or later
    (count, first, last), (more, other_first, other_last) = touches_of(earlier), touches_of(later)
    return pack_touches(min(count + more, MOST_TOUCHES), min(first, other_first), max(last, other_last))


def joined_words(earlier: tuple[int, int], later: tuple[int, int]) -> tuple[int, int]:
    """Return two words with their packed touches as one; a ``remove`` ends the touches before it."""
    touches = later[1] if later[0] <= 0 else joined(earlier[1], later[1])
    return word(earlier[0], later[0]), touches


def word(earlier: int, later: int) -> int:
    """Return what two stretches of the log, the earlier first, say of one user and item together. Associative.

    A word is the greatest weight r since the last ``remove``, thousandths; −r where the stretch holds a ``remove``
    before it; 0 where a ``remove`` came last. So a word on the whole log is 0 for a retracted item, else ±rating.
    """
    if later <= 0:
        return later
    return max(earlier, later) if earlier > 0 else -max(-earlier, later)


def standing_words(pairs: Ints, weight: Ints, removes: Mask, time: Ints) -> Words:
    """Return what events say of their pairs.

    Args: pairs: of each event, those of one pair in log order.      weight: > 0, thousandths; that of removes is
        ignored.      removes: which events are ``remove``.      time: epoch milliseconds.
    """
    order = np.argsort(pairs, kind="stable")
    ordered = pairs[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, np.int64)
    if not len(starts):
        return Words(ordered, ordered, np.zeros(0, np.bool_), ordered)
    last_remove = np.maximum.reduceat(np.where(removes[order], np.arange(len(ordered)), -1), starts)
    sizes = np.diff(np.r_[starts, len(ordered)])
    counts = np.arange(len(ordered)) > np.repeat(last_remove, sizes)
    ratings = np.maximum.reduceat(np.where(counts, weight[order], 0), starts)
    minutes = np.minimum(time[order] // MINUTE_MS, LAST_MINUTE)
    number = np.minimum(np.add.reduceat(counts.astype(np.int64), starts), MOST_TOUCHES)
    last = np.maximum.reduceat(np.where(counts, minutes, 0), starts)
    first = np.minimum.reduceat(np.where(counts, minutes, LAST_MINUTE), starts)
    packed = np.where(number > 0, (number << MINUTE_BITS | last) << MINUTE_BITS | first, 0)
    return Words(ordered[starts], ratings, last_remove >= 0, packed)
