"""Merging and tagging many rows at once in compiled code (formats: ``core.rows.codec``, ``core.rows.tagged``).

Each kernel takes rows as ``core.rows.packed`` describes them and returns padded bytes and their starts, one more than
rows. Where one of two rows is empty, the other is taken. Packed sums are merged by ``core.rows.sums_kernel``.
"""

import numpy as np
from numba import njit

from core.bytes.word_kernel import WORD, copy, load, signed, store, unsigned
from core.rows.codec import HISTORY_HEAD, ID_BYTES

TAG_HEAD = 25  # bytes before the base of a tagged row
STAYED, MOVED = 1, 2  # a row that this attempt wrote before: its base is still in it, or went to its older part
_HISTORY_HEAD = HISTORY_HEAD.size


@njit(cache=True, nogil=True)
def _empty(first_a, end_a, first_b, end_b):  # type: ignore[no-untyped-def]
    """Return room for all bytes of both, and the starts that are filled in as rows are written."""
    size = (end_a - first_a).sum() + (end_b - first_b).sum()
    return np.empty(size + 2 * WORD, np.uint8), np.zeros(len(first_a) + 1, np.int64)


@njit(cache=True, nogil=True)
def _either(out, at, a, first_a, end_a, b, first_b, end_b):  # type: ignore[no-untyped-def]
    """Copy the one of the two that is not empty; returns where it ends."""
    copy(out, at, a, first_a, end_a - first_a)
    copy(out, at, b, first_b, end_b - first_b)
    return at + end_a - first_a + end_b - first_b


@njit(cache=True, nogil=True)
def add_norms(a, first_a, end_a, b, first_b, end_b):  # type: ignore[no-untyped-def]
    """Return the sums of two norms."""
    out, starts = _empty(first_a, end_a, first_b, end_b)
    for r in range(len(first_a)):
        at = starts[r]
        if end_a[r] == first_a[r] or end_b[r] == first_b[r]:
            starts[r + 1] = _either(out, at, a, first_a[r], end_a[r], b, first_b[r], end_b[r])
            continue
        store(out, at, load(a, first_a[r]) + load(b, first_b[r]))
        starts[r + 1] = at + 8
    return out, starts


@njit(cache=True, nogil=True)
def _newer(a, at_a, b, at_b):  # type: ignore[no-untyped-def]
    """Return whether the item's row in ``b`` names its category no earlier than that in ``a``."""
    time_a, time_b = np.int64(load(a, at_a)), np.int64(load(b, at_b))
    if time_a != time_b:
        return time_b > time_a
    partition_a, partition_b = signed(a, at_a + 8, 4), signed(b, at_b + 8, 4)
    if partition_a != partition_b:
        return partition_b > partition_a
    return np.int64(load(b, at_b + 12)) >= np.int64(load(a, at_a + 12))


@njit(cache=True, nogil=True)
def newer_items(a, first_a, end_a, b, first_b, end_b):  # type: ignore[no-untyped-def]
    """Return, of two rows of an item, the one whose category was named by the greater (time, partition, offset)."""
    out, starts = _empty(first_a, end_a, first_b, end_b)
    for r in range(len(first_a)):
        both = end_a[r] > first_a[r] and end_b[r] > first_b[r]
        later = both and _newer(a, first_a[r], b, first_b[r])
        last_a, last_b = first_a[r] if later else end_a[r], first_b[r] if both and not later else end_b[r]
        starts[r + 1] = _either(out, starts[r], a, first_a[r], last_a, b, first_b[r], last_b)
    return out, starts


@njit(cache=True, nogil=True)
def _ids(buf, at):  # type: ignore[no-untyped-def]
    """Return where the ids of the history at ``at`` begin, and how many there are."""
    entry = np.int64(buf[at + 8]) + np.int64(buf[at + 9])
    return at + _HISTORY_HEAD + entry * unsigned(buf, at, 2), unsigned(buf, at + 2, 2)


@njit(cache=True, nogil=True)
def add_histories(a, first_a, end_a, b, first_b, end_b):  # type: ignore[no-untyped-def]
    """Return whole histories from whole ones and the changes that came after them."""
    out, starts = _empty(first_a, end_a, first_b, end_b)
    for r in range(len(first_a)):
        at, begins = starts[r], first_b[r]
        kept = unsigned(b, begins + 4, 2) if end_b[r] > begins and end_a[r] > first_a[r] else np.int64(0)
        if end_b[r] == begins or kept == 0:
            last = end_a[r] if end_b[r] == begins else first_a[r]
            starts[r + 1] = _either(out, at, a, first_a[r], last, b, begins, end_b[r])
            continue
        ids_a, known = _ids(a, first_a[r])
        ids_b, fresh = _ids(b, begins)
        copy(out, at, b, begins, ids_b - begins)
        out[at + 2], out[at + 3], out[at + 4], out[at + 5] = (fresh + kept) & 0xFF, (fresh + kept) >> 8, 0, 0
        at += ids_b - begins
        copy(out, at, a, ids_a + ID_BYTES * (known - kept), ID_BYTES * kept)
        at += ID_BYTES * kept
        copy(out, at, b, ids_b, end_b[r] - ids_b)
        starts[r + 1] = at + end_b[r] - ids_b
    return out, starts


@njit(cache=True, nogil=True)
def split_tagged(buf, first, end, attempt, aborted, registered):  # type: ignore[no-untyped-def]
    """Return the bases and the changes that count in tagged rows at that attempt of a position, as places in ``buf``.

    Returns: where bases begin and end and where changes do (four rows of places); what each row knows of its older
    part's bytes; ``STAYED`` or ``MOVED`` where the attempt ``registered`` has written the row already; whether a base
    is newer than the position.
    """
    rows = len(first)
    places, older, newer = np.zeros((4, rows), np.int64), np.zeros(rows, np.int64), False
    written = np.zeros(rows, np.uint8)
    for r in range(rows):
        if first[r] == end[r]:
            continue
        at, tag = first[r], np.int64(load(buf, first[r] + 8))
        newer |= np.int64(load(buf, at)) > attempt
        counts = tag <= attempt
        for k in range(len(aborted)):
            counts &= aborted[k] != tag
        older[r] = unsigned(buf, at + 21, 4)
        if tag == registered:
            written[r] = MOVED if buf[at + 20] else STAYED
        middle = at + TAG_HEAD + max(signed(buf, at + 16, 4), 0)
        places[0, r], places[1, r] = at + TAG_HEAD, at + TAG_HEAD if counts and buf[at + 20] else middle
        places[2, r], places[3, r] = middle, end[r] if counts else middle
    return places, older, written, newer


@njit(cache=True, nogil=True)
def tag_rows(a, first_a, end_a, b, first_b, end_b, attempt, tag, older, replaces):  # type: ignore[no-untyped-def]
    """Return tagged rows of the bases ``a`` (empty: none), as of ``attempt``, and the changes ``b`` under ``tag``."""
    rows = len(first_a)
    size = (end_a - first_a).sum() + (end_b - first_b).sum() + TAG_HEAD * rows
    out, starts = np.empty(size + 2 * WORD, np.uint8), np.zeros(rows + 1, np.int64)
    for r in range(rows):
        at, length = starts[r], end_a[r] - first_a[r]
        store(out, at, np.uint64(attempt))
        store(out, at + 8, np.uint64(tag))
        store(out, at + 16, np.uint64(length if length else -1))
        out[at + 20] = 1 if replaces[r] else 0
        store(out, at + 21, np.uint64(older[r]))
        copy(out, at + TAG_HEAD, a, first_a[r], length)
        copy(out, at + TAG_HEAD + length, b, first_b[r], end_b[r] - first_b[r])
        starts[r + 1] = at + TAG_HEAD + length + end_b[r] - first_b[r]
    return out, starts
