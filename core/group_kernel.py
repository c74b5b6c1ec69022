"""Ordering by two small integers in linear time."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _pass(keys, order, out, size):  # type: ignore[no-untyped-def]
    """One stable counting sort of ``order`` by ``keys[order]``, all below ``size``."""
    at = np.zeros(size + 1, np.int64)
    for k in keys:
        at[k + 1] += 1
    for k in range(size):
        at[k + 1] += at[k]
    for source in order:
        key = keys[source]
        out[at[key]] = source
        at[key] += 1


@njit(cache=True, nogil=True)
def order_by(row, code, rows, codes):  # type: ignore[no-untyped-def]
    """The order by (row, code), rows below ``rows`` and codes below ``codes``; stable."""
    first, then = np.empty(len(row), np.int64), np.empty(len(row), np.int64)
    _pass(code, np.arange(len(row)), first, codes)
    _pass(row, first, then, rows)
    return then
