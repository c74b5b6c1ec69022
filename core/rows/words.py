"""What a stretch of the log says of a user and an item: the rating, or that it was retracted."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def word(earlier: int, later: int) -> int:
    """Return what two stretches of the log, the earlier first, say of one user and item together. Associative.

    A word is the greatest weight r since the last ``remove``, thousandths; −r where the stretch holds a ``remove``
    before it; 0 where a ``remove`` came last. So a word on the whole log is 0 for a retracted item, else ±rating.
    """
    if later <= 0:
        return later
    return max(earlier, later) if earlier > 0 else -max(-earlier, later)


def standing_ratings(pairs: Ints, weight: Ints, removes: Mask) -> tuple[Ints, Ints, Mask]:
    """Return the distinct pairs, ascending, the rating of each, and whether it was ever retracted.

    Args: pairs: of each event, those of one pair in log order.      weight: > 0, thousandths; that of removes is
        ignored.      removes: which events are ``remove``.
    Returns: ratings: the greatest weight after the last ``remove``, thousandths; 0 where that came last.
    """
    order = np.argsort(pairs, kind="stable")
    ordered = pairs[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, np.int64)
    if not len(starts):
        return ordered, ordered, np.zeros(0, np.bool_)
    place = np.arange(len(ordered))
    last_remove = np.maximum.reduceat(np.where(removes[order], place, -1), starts)
    sizes = np.diff(np.r_[starts, len(ordered)])
    counts = np.where(place > np.repeat(last_remove, sizes), weight[order], 0)
    return ordered[starts], np.maximum.reduceat(counts, starts), last_remove >= 0
