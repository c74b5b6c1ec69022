"""Finding the fields of plain events in compiled code: where each stands in the bytes of its record.

It judges nothing: a record that is odd in any way is left to ``core.events.acceptance``. Plain is one JSON object with
no field twice, each of a type and no longer than it may be.
"""

import numpy as np
from numba import njit

from core.bytes.word_kernel import WORD, agreed, copy
from core.json.json_kernel import (
    NUMBER,
    OBJECT,
    ODD,
    OTHER,
    TEXT,
    digits_end,
    name_end,
    nested_end,
    single,
    space_end,
)

# Of what is noted of a field: its shape (0: absent), where its content begins and ends, whether it has escapes.
SHAPE, FIRST, LAST, ESCAPED = range(4)


@njit(cache=True, nogil=True)
def _field(buf, first, end, names, name_starts, likely):  # type: ignore[no-untyped-def]
    """Return which of the names those bytes are; ``ODD`` for another. The likely one is tried first."""
    fields = len(name_starts) - 1
    for k in range(fields):
        f = likely + k if likely + k < fields else likely + k - fields
        at, length = name_starts[f], name_starts[f + 1] - name_starts[f]
        if length == end - first and agreed(buf, first, names, at, length) == length:
            return f
    return ODD


@njit(cache=True, nogil=True)
def _scan(buf, at, end, names, name_starts, shapes, limits, spans, r):  # type: ignore[no-untyped-def]
    """Note each field in ``found[r, field]``; False when the record is odd."""
    at = space_end(buf, at, end)
    if at >= end or buf[at] != 0x7B:
        return False
    at, field = space_end(buf, at + 1, end), ODD
    while True:
        quote, value = name_end(buf, at, end)
        if quote == ODD or value >= end:
            return False
        field = _field(buf, at + 1, quote, names, name_starts, field + 1)
        if buf[value] == 0x7B or buf[value] == 0x5B:
            shape, at, escaped = (OBJECT if buf[value] == 0x7B else OTHER), nested_end(buf, value, end), False
        else:
            shape, at, escaped = single(buf, value, end)
        if at == ODD:
            return False
        if field != ODD:
            inset = 1 if shape == TEXT else 0
            first, last = value + inset, at - inset
            if not shape & shapes[field] or spans[r, field, SHAPE] or (limits[field] and last - first > limits[field]):
                return False
            spans[r, field, SHAPE], spans[r, field, FIRST] = shape, first
            spans[r, field, LAST], spans[r, field, ESCAPED] = last, escaped
        at = space_end(buf, at, end)
        if at >= end or (buf[at] != 0x2C and buf[at] != 0x7D):
            return False
        if buf[at] == 0x7D:
            return space_end(buf, at + 1, end) == end
        at = space_end(buf, at + 1, end)


@njit(cache=True, nogil=True)
def scan(buf, starts, most, names, name_starts, shapes, limits):  # type: ignore[no-untyped-def]
    """Find the fields of the records ``buf[starts[r]:starts[r+1]]``, none longer than ``most`` bytes.

    Args: names, name_starts: the fields' names end to end; both texts are ``padded``.   shapes: which each may have.
        limits: how many bytes of it at most; 0 for any.
    Returns: which records are plain, and of each what was noted of its fields: (records, fields, 4), positions in
        ``buf``; a string's content is what stands between its quotes.
    """
    records = len(starts) - 1
    plain, spans = np.zeros(records, np.bool_), np.zeros((records, len(shapes), 4), np.int32)
    for r in range(records):
        if starts[r + 1] - starts[r] <= most:
            plain[r] = _scan(buf, starts[r], starts[r + 1], names, name_starts, shapes, limits, spans, r)
    return plain, spans


@njit(cache=True, nogil=True)
def contents(buf, spans, field, shape):  # type: ignore[no-untyped-def]
    """Return one field of all records that have it in that shape: its bytes end to end, and their n + 1 starts."""
    starts = np.zeros(len(spans) + 1, np.int64)
    for k in range(len(spans)):
        there = spans[k, field, SHAPE] == shape
        starts[k + 1] = starts[k] + (spans[k, field, LAST] - spans[k, field, FIRST] if there else 0)
    out = np.empty(starts[len(spans)] + WORD, np.uint8)
    for k in range(len(spans)):
        copy(out, starts[k], buf, np.int64(spans[k, field, FIRST]), starts[k + 1] - starts[k])
    return out[: starts[len(spans)]], starts


@njit(cache=True, nogil=True)
def whole_numbers(buf, spans, field):  # type: ignore[no-untyped-def]
    """Return that field as integers; ``ODD`` unless it is a whole number of at most 18 digits."""
    out = np.full(len(spans), ODD, np.int64)
    for k in range(len(spans)):
        first, last = np.int64(spans[k, field, FIRST]), np.int64(spans[k, field, LAST])
        is_number = spans[k, field, SHAPE] == NUMBER
        if is_number and last - first <= 18 and digits_end(buf, first, last) == last:
            number = np.int64(0)
            for x in range(first, last):
                number = number * 10 + np.int64(buf[x]) - 0x30
            out[k] = number
    return out
