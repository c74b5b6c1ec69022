"""Strict JSON (RFC 8259) in compiled code: where each thing that stands in an array of bytes ends.

Positions are returned; ``ODD`` for what is malformed, and for some that is well-formed but seldom: half surrogate
pairs, numbers with an exponent, more than ``MAX_DEPTH`` levels. Whether the bytes are UTF-8 is the caller's to see.
The array is ``padded``.
"""

import numpy as np
from numba import njit

from core.bytes.word_kernel import WORD, load, trailing_zeros

TEXT, NUMBER, OBJECT, NULL, OTHER = 1, 2, 4, 8, 16  # shapes of a value; several or-ed are those that a field may have
MAX_DEPTH = 60  # of arrays and objects inside one another: their kinds fit one integer
ODD = -1
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)  # in each byte of a word
_QUOTES, _BACKSLASHES, _SPACES = np.uint64(0x22) * _ONES, np.uint64(0x5C) * _ONES, np.uint64(0x20) * _ONES


@njit(cache=True, nogil=True)
def space_end(buf, at, end):  # type: ignore[no-untyped-def]
    """Return the position after the white space at ``at``, if there is any."""
    while at < end and buf[at] <= 0x20 and (buf[at] == 0x20 or buf[at] == 0x0A or buf[at] == 0x0D or buf[at] == 0x09):
        at += 1
    return at


@njit(cache=True, nogil=True)
def _hex(byte):  # type: ignore[no-untyped-def]
    """Return a hexadecimal digit's value; ``ODD`` for any other byte."""
    if 0x30 <= byte <= 0x39:
        return np.int64(byte) - 0x30
    lower = np.int64(byte) | 0x20
    return lower - 0x57 if 0x61 <= lower <= 0x66 else np.int64(ODD)


@njit(cache=True, nogil=True)
def _escape_end(buf, at, end):  # type: ignore[no-untyped-def]
    """Return the position after the escape whose backslash is at ``at``; any surrogate escape is ``ODD``."""
    if at + 1 >= end:
        return ODD
    if buf[at + 1] != ord("u"):
        for known in b'"\\/bfnrt':
            if buf[at + 1] == known:
                return at + 2
        return ODD
    if at + 6 > end:
        return ODD
    code = np.int64(0)
    for k in range(at + 2, at + 6):
        digit = _hex(buf[k])
        if digit == ODD:
            return ODD
        code = code * 16 + digit
    return ODD if 0xD800 <= code <= 0xDFFF else at + 6


@njit(cache=True, nogil=True)
def _plain_end(buf, at):  # type: ignore[no-untyped-def]
    """Return the position of the first quote, backslash or byte below 0x20 from ``at`` on, eight at a time.

    A byte is 0 where subtracting 1 turns its highest bit on, and likewise below 0x20; the lowest one is found correctly
    (Warren 2013, Hacker's Delight, §6-1).
    """
    while True:
        word = load(buf, at)
        quote, slash = word ^ _QUOTES, word ^ _BACKSLASHES
        ends = ((quote - _ONES) & ~quote | (slash - _ONES) & ~slash | (word - _SPACES) & ~word) & _HIGHS
        if ends != 0:
            return at + np.int64(trailing_zeros(ends) >> np.uint64(3))
        at += WORD


@njit(cache=True, nogil=True)
def _text_end(buf, at, end):  # type: ignore[no-untyped-def]
    """Return where the string whose content begins at ``at`` has its closing quote, and whether it has escapes."""
    escaped = False
    while True:
        at = _plain_end(buf, at)
        if at >= end or buf[at] < 0x20:
            return ODD, escaped
        if buf[at] == 0x22:
            return at, escaped
        escaped, at = True, _escape_end(buf, at, end)
        if at == ODD:
            return ODD, escaped


@njit(cache=True, nogil=True)
def digits_end(buf, at, end):  # type: ignore[no-untyped-def]
    """Return the position after the decimal digits at ``at``, if there are any."""
    while at < end and 0x30 <= buf[at] <= 0x39:
        at += 1
    return at


@njit(cache=True, nogil=True)
def _number_end(buf, at, end):  # type: ignore[no-untyped-def]
    """Return the position after a number without exponent."""
    first = at + 1 if buf[at] == 0x2D else at
    last = digits_end(buf, first, end)
    if last == first or (buf[first] == 0x30 and last > first + 1):
        return ODD
    if last < end and buf[last] == 0x2E:
        first, last = last + 1, digits_end(buf, last + 1, end)
        if last == first:
            return ODD
    return ODD if last < end and (buf[last] | 0x20) == 0x65 else last


@njit(cache=True, nogil=True)
def _word_end(buf, at, end, word):  # type: ignore[no-untyped-def]
    if at + len(word) > end:
        return ODD
    for k in range(len(word)):
        if buf[at + k] != word[k]:
            return ODD
    return at + len(word)


@njit(cache=True, nogil=True)
def single(buf, at, end):  # type: ignore[no-untyped-def]
    """Return the shape of the scalar at ``at``, the position after it, and whether it is a string with escapes."""
    if at >= end:
        return OTHER, ODD, False
    byte = buf[at]
    if byte == 0x22:
        quote, escaped = _text_end(buf, at + 1, end)
        return TEXT, (ODD if quote == ODD else quote + 1), escaped
    if byte == 0x2D or 0x30 <= byte <= 0x39:
        return NUMBER, _number_end(buf, at, end), False
    if byte == ord("n"):
        return NULL, _word_end(buf, at, end, b"null"), False
    return OTHER, _word_end(buf, at, end, b"true" if byte == ord("t") else b"false"), False


@njit(cache=True, nogil=True)
def name_end(buf, at, end):  # type: ignore[no-untyped-def]
    """Return the position of the closing quote of the name that opens at ``at``, and where its value begins."""
    if at >= end or buf[at] != 0x22:
        return ODD, ODD
    quote, _ = _text_end(buf, at + 1, end)
    if quote == ODD:
        return ODD, ODD
    colon = space_end(buf, quote + 1, end)
    if colon >= end or buf[colon] != 0x3A:
        return ODD, ODD
    return quote, space_end(buf, colon + 1, end)


@njit(cache=True, nogil=True)
def nested_end(buf, at, end):  # type: ignore[no-untyped-def]
    """Return the position after the array or object that begins at ``at``."""
    kinds, depth = np.int64(0), 0  # of those that are open, one bit each, the innermost last: 1 for an object
    while True:
        if at < end and (buf[at] == 0x7B or buf[at] == 0x5B):  # a value begins here, and it is one more of them
            inside = np.int64(buf[at] == 0x7B)
            kinds, depth, at = kinds * 2 + inside, depth + 1, space_end(buf, at + 1, end)
            if depth > MAX_DEPTH or at >= end:
                return ODD
            if buf[at] != (0x7D if inside else 0x5D):
                if inside:
                    _, at = name_end(buf, at, end)
                    if at == ODD:
                        return ODD
                continue
        else:
            _, at, _ = single(buf, at, end)
            if at == ODD:
                return ODD
        while True:  # a value ended before, or a bracket closes here
            at = space_end(buf, at, end)
            if at >= end:
                return ODD
            inside = kinds & 1
            if buf[at] != (0x7D if inside else 0x5D):
                break
            kinds, depth, at = kinds >> 1, depth - 1, at + 1
            if depth == 0:
                return at
        if buf[at] != 0x2C:
            return ODD
        at = space_end(buf, at + 1, end)
        if inside:
            _, at = name_end(buf, at, end)
            if at == ODD:
                return ODD
