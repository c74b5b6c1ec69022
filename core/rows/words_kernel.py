"""What two stretches of the log say of a user and an item together, compiled (slow twin: ``core.rows.words``)."""

import numpy as np
from numba import njit

from core.bytes.word_kernel import signed
from core.rows.codec import TOUCHES_BYTES
from core.rows.words import LAST_MINUTE, MINUTE_BITS, MOST_TOUCHES


@njit(cache=True, nogil=True)
def joined_word(earlier, later):  # type: ignore[no-untyped-def]
    """Return two words on one item as one (slow twin: ``core.rows.words.word``)."""
    if later <= 0:
        return later
    return max(earlier, later) if earlier > 0 else -max(-earlier, later)


@njit(cache=True, nogil=True)
def _joined(earlier, later):  # type: ignore[no-untyped-def]
    """Return packed touches of two stretches together (slow twin: ``core.rows.words.joined``)."""
    if earlier == 0 or later == 0:
        return earlier | later
    number = min((earlier >> (2 * MINUTE_BITS)) + (later >> (2 * MINUTE_BITS)), MOST_TOUCHES)
    last = max((earlier >> MINUTE_BITS) & LAST_MINUTE, (later >> MINUTE_BITS) & LAST_MINUTE)
    return (((number << MINUTE_BITS) | last) << MINUTE_BITS) | min(earlier & LAST_MINUTE, later & LAST_MINUTE)


@njit(cache=True, nogil=True)
def next_touches(a, end_a, left_a, b, end_b, left_b, order, word):  # type: ignore[no-untyped-def]
    """Return the packed touches of the name that both rows, the first (order < 0) or the second (> 0) has next.

    ``left_a``, ``left_b``: how many names each row has from that one on. ``word``: the second row's.
    """
    later = signed(b, end_b - TOUCHES_BYTES * left_b, TOUCHES_BYTES) if order >= 0 else np.int64(0)
    if order > 0 or (order == 0 and word <= 0):
        return later
    return _joined(signed(a, end_a - TOUCHES_BYTES * left_a, TOUCHES_BYTES), later)
