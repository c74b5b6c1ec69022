"""Reads and writes of eight unaligned bytes for the compiled kernels: ids are short, and loops over bytes are slow.

numba checks no bounds. Every array that is read or written here needs ``WORD`` spare bytes at its end: see ``padded``.
"""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

WORD = 8


def padded(text: bytes | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the bytes, followed by the spare bytes that reading a word may touch."""
    if isinstance(text, bytes):
        return np.frombuffer(text + bytes(WORD), np.uint8)
    return np.concatenate([text, np.zeros(WORD, np.uint8)])


def _place(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), context.get_value_type(types.uint64).as_pointer())


def _load(_: Any, buf: Any, at: Any) -> Any:
    """Return the eight bytes at ``at`` as one little-endian number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_place(context, builder, signature.args[0], *args), align=1)

    return types.uint64(buf, types.int64), generate


def _store(_: Any, buf: Any, at: Any, value: Any) -> Any:
    """Write the number as eight little-endian bytes at ``at``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _place(context, builder, signature.args[0], *args[:2]), align=1)
        return context.get_dummy_value()

    return types.void(buf, types.int64, types.uint64), generate


def _trailing_zeros(_: Any, value: Any) -> Any:
    """Return the number of zero bits below the lowest 1."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), generate


load: Any = intrinsic(_load)
store: Any = intrinsic(_store)
trailing_zeros: Any = intrinsic(_trailing_zeros)


@njit(cache=True, nogil=True)
def copy(out, to, buf, at, length):  # type: ignore[no-untyped-def]
    """Copy ``length`` bytes; up to a word of the bytes that follow them in ``out`` is overwritten."""
    for x in range(0, length, WORD):
        store(out, to + x, load(buf, at + x))


@njit(cache=True, nogil=True)
def roomy(out, used):  # type: ignore[no-untyped-def]
    """Return ``out``, or a longer copy of it, with room for a word beyond its first ``used`` bytes."""
    if used + WORD <= len(out):
        return out
    longer = np.empty(2 * used + WORD, np.uint8)
    longer[: len(out)] = out
    return longer


@njit(cache=True, nogil=True)
def agreed(a, at_a, b, at_b, most):  # type: ignore[no-untyped-def]
    """Return the length of the common prefix of both texts, ``most`` at most."""
    x = 0
    while x < most:
        differ = load(a, at_a + x) ^ load(b, at_b + x)
        if differ != 0:
            return min(most, x + np.int64(trailing_zeros(differ) >> np.uint64(3)))
        x += WORD
    return most


@njit(cache=True, nogil=True)
def signed(buf, at, width):  # type: ignore[no-untyped-def]
    """Return the signed integer of ``width`` bytes (1 to 8) at ``at``."""
    empty = np.int64(64 - 8 * width)
    return (np.int64(load(buf, at)) << empty) >> empty


@njit(cache=True, nogil=True)
def unsigned(buf, at, width):  # type: ignore[no-untyped-def]
    """Return the unsigned integer of ``width`` bytes (1 to 8) at ``at``."""
    return np.int64(load(buf, at) & (~np.uint64(0) >> np.uint64(64 - 8 * width)))
