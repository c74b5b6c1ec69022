"""The greatest of some numbers in compiled code; NumPy's partition takes ten seconds to compile."""

from numba import njit


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
def greatest(values, most):  # type: ignore[no-untyped-def]
    """Return the ``most`` greatest, greatest first; all where there are fewer."""
    n = min(most, len(values))
    heap = values[:n].copy()
    for k in range(1, len(values)):
        if values[k] > values[k - 1]:
            break
    else:
        return heap  # most lists come in order
    make_heap(heap, n)
    for k in range(n, len(values)):
        if values[k] > heap[0]:
            heap[0] = values[k]
            sink(heap, 0, n)
    sort_heap(heap, n)
    return heap
