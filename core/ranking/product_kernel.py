"""Products of a model's rows with what is known of a user, compiled; the slow twin is ``core.ranking.columns``."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.ranking import columns

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
ROW_AT_ONCE = 128  # numbers that NumPy adds up in one go


@njit(cache=True, nogil=True)
def _predicted(factors, rows, v):  # type: ignore[no-untyped-def]
    """Return the product, added up in NumPy's order for rows of at most 128 numbers, so that sums agree to the bit."""
    out, n = np.empty(len(rows), np.float64), factors.shape[1]
    even = n - n % 8
    for k in range(len(rows)):
        r = rows[k]
        a = b = c = d = e = f = g = h = 0.0  # eight sums side by side
        for at in range(0, even, 8):
            a += np.float64(factors[r, at]) * v[at]
            b += np.float64(factors[r, at + 1]) * v[at + 1]
            c += np.float64(factors[r, at + 2]) * v[at + 2]
            d += np.float64(factors[r, at + 3]) * v[at + 3]
            e += np.float64(factors[r, at + 4]) * v[at + 4]
            f += np.float64(factors[r, at + 5]) * v[at + 5]
            g += np.float64(factors[r, at + 6]) * v[at + 6]
            h += np.float64(factors[r, at + 7]) * v[at + 7]
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
        for at in range(even, n):
            total += np.float64(factors[r, at]) * v[at]
        out[k] = total
    return out


def predicted(factors: Floats32, rows: Ints, vector: Floats) -> Floats:
    if factors.shape[1] > ROW_AT_ONCE:
        return columns.predicted(factors, rows, vector)
    out: Floats = _predicted(factors, rows, vector)
    return out


@njit(cache=True, nogil=True)
def _added_rows(starts, targets, values, rows, scales, size):  # type: ignore[no-untyped-def]
    sums, present, count = np.zeros(size), np.zeros(size, np.bool_), 0
    for k in range(len(rows)):
        for at in range(starts[rows[k]], starts[rows[k] + 1]):
            target = targets[at]
            sums[target] += scales[k] * np.float64(values[at]) if len(values) else scales[k]
            count += not present[target]
            present[target] = True
    codes, out, n = np.empty(count, np.int64), np.empty(count), 0
    for target in range(size):
        if present[target]:
            codes[n], out[n] = target, sums[target]
            n += 1
    return codes, out


def added_rows(
    starts: Ints, targets: NDArray[np.int32], values: Floats32, rows: Ints, scales: Floats, size: int
) -> columns.Columns:
    return columns.Columns(*_added_rows(starts, targets, values, rows, scales, size))


@njit(cache=True, nogil=True)
def _column_of(starts, targets, values, rows, target):  # type: ignore[no-untyped-def]
    out = np.zeros(len(rows))
    for k in range(len(rows)):
        for at in range(starts[rows[k]], starts[rows[k] + 1]):
            if targets[at] == target:
                out[k] = np.float64(values[at]) if len(values) else 1.0
                break
    return out


def column_of(starts: Ints, targets: NDArray[np.int32], values: Floats32, rows: Ints, target: int) -> Floats:
    out: Floats = _column_of(starts, targets, values, rows, target)
    return out
