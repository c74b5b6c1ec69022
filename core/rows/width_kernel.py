"""In which unit, and in 1, 2, 4 or 8 bytes each, the compiled kernels pack integers."""

import numpy as np
from numba import njit

from core.bytes.word_kernel import unsigned
from core.rows.codec import UNIT


@njit(cache=True, nogil=True)
def unit_of(numbers, first, end):  # type: ignore[no-untyped-def]
    """Return the unit in which those numbers are packed: ``UNIT`` when there are some and all are multiples of it."""
    for k in range(first, end):
        if numbers[k] % UNIT != 0:
            return 1
    return UNIT if end > first else 1


@njit(cache=True, nogil=True)
def scale(numbers, first, end, unit):  # type: ignore[no-untyped-def]
    """Divide ``numbers[first:end]``, multiples of ``unit``, by it."""
    if unit != 1:
        for k in range(first, end):
            numbers[k] //= unit


@njit(cache=True, nogil=True)
def width_of(numbers, first, end, unit):  # type: ignore[no-untyped-def]
    """Return the bytes of the narrowest signed integer that holds each of ``numbers[first:end] // unit``."""
    low = high = np.int64(0)
    for k in range(first, end):
        low, high = min(low, numbers[k]), max(high, numbers[k])
    low, high = low // unit, high // unit
    for width in (1, 2, 4):
        half = np.int64(1) << np.int64(8 * width - 1)
        if -half <= low and high < half:
            return width
    return 8


@njit(cache=True, nogil=True)
def unsigned_width(high):  # type: ignore[no-untyped-def]
    """Return the bytes of the narrowest unsigned integer that holds a number >= 0."""
    for width in (1, 2, 4):
        if high < np.int64(1) << np.int64(8 * width):
            return width
    return 8


@njit(cache=True, nogil=True)
def width_of_lengths(shared, rest, first, end):  # type: ignore[no-untyped-def]
    high = np.int64(0)
    for k in range(first, end):
        high = max(high, shared[k], rest[k])
    return unsigned_width(high)


@njit(cache=True, nogil=True)
def longest(buf, lengths, n, long):  # type: ignore[no-untyped-def]
    """Return an upper bound of the lengths of n names, whose shared and own lengths stand at ``lengths``."""
    high = np.int64(0)
    if long == 1:
        return np.int64(2 * 255)
    for k in range(n):
        high = max(high, unsigned(buf, lengths + long * k, long) + unsigned(buf, lengths + long * (n + k), long))
    return high
