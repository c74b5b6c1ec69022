"""The greatest of some numbers in compiled code; NumPy's partition takes ten seconds to compile."""

from numba import njit


@njit(cache=True, nogil=True)
def _sink(heap, at, n):  # type: ignore[no-untyped-def]
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
def greatest(values, most):  # type: ignore[no-untyped-def]
    """Return the ``most`` greatest, greatest first; all where there are fewer."""
    n = min(most, len(values))
    heap = values[:n].copy()
    for k in range(1, len(values)):
        if values[k] > values[k - 1]:
            break
    else:
        return heap  # most lists come in order
    for at in range(n // 2 - 1, -1, -1):
        _sink(heap, at, n)
    for k in range(n, len(values)):
        if values[k] > heap[0]:
            heap[0] = values[k]
            _sink(heap, 0, n)
    for end in range(n - 1, 0, -1):
        heap[0], heap[end] = heap[end], heap[0]
        _sink(heap, 0, end)
    return heap
