"""The greatest of some numbers in compiled code; NumPy's partition takes ten seconds to compile."""

import numpy as np
from numba import njit

GROUPS = 2  # for each number that is sought; the maxima say nearly as well as all numbers which can be among these


@njit(cache=True, nogil=True)
def sink(heap, at, n):  # type: ignore[no-untyped-def]
    """Let the number at ``at`` sink in a heap of n whose root is the least."""
    value = heap[at]
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and heap[child + 1] < heap[child]:
            child += 1
        if not heap[child] < value:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = value


@njit(cache=True, nogil=True)
def make_heap(heap, n):  # type: ignore[no-untyped-def]
    """Put n numbers in an order in which ``sink`` finds them: the root is the least."""
    for at in range(n // 2 - 1, -1, -1):
        sink(heap, at, n)


@njit(cache=True, nogil=True)
def sort_heap(heap, n):  # type: ignore[no-untyped-def]
    """Put the n numbers of a heap in order, greatest first."""
    for end in range(n - 1, 0, -1):
        heap[0], heap[end] = heap[end], heap[0]
        sink(heap, 0, end)


@njit(cache=True, nogil=True)
def _reached(values, most, bound):  # type: ignore[no-untyped-def]
    """Return the ``most``-th greatest of the numbers, which at least as many as that reach ``bound``."""
    heap, n = np.empty(most, values.dtype), 0
    for value in values:
        if value < bound or (n == most and value <= heap[0]):
            continue
        if n < most:
            heap[n] = value
            n += 1
            if n == most:
                make_heap(heap, n)
        else:
            heap[0] = value
            sink(heap, 0, n)
    return heap[0]


@njit(cache=True, nogil=True)
def least_of_greatest(values, most):  # type: ignore[no-untyped-def]
    """Return the ``most``-th greatest number, of at least so many.

    Were they dealt into groups, that of the groups' maxima is a bound that as many numbers reach.
    """
    size = len(values) // (GROUPS * most)
    bound = values.min()
    if size > 1:
        maxima = np.empty(len(values) // size, values.dtype)
        for group in range(len(maxima)):
            maxima[group] = values[group * size : (group + 1) * size].max()
        bound = _reached(maxima, most, bound)
    return _reached(values, most, bound)
