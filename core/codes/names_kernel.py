"""A hash table of names in compiled code: the code of a name that lies in an array of bytes.

``places`` has a power of two of entries, at most half of them taken: a code, or ``FREE``. Names are those of
``core.codes.item_index.Text``. A reader's table may be given further names meanwhile: codes from ``known`` on are free
places to it.
"""

import numpy as np
from numba import njit

from core.bytes.word_kernel import WORD, agreed, load

FREE = -1
_ODD = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def _mixed(hashed, word):  # type: ignore[no-untyped-def]
    hashed = (hashed ^ word) * _ODD
    return hashed ^ (hashed >> np.uint64(32))


@njit(cache=True, nogil=True)
def _hashed(buf, at, length):  # type: ignore[no-untyped-def]
    hashed, x = np.uint64(length), np.int64(0)
    while x + WORD <= length:
        hashed = _mixed(hashed, load(buf, at + x))
        x += WORD
    if x < length:
        hashed = _mixed(hashed, load(buf, at + x) & (~np.uint64(0) >> np.uint64(8 * (x + WORD - length))))
    return hashed


@njit(cache=True, nogil=True)
def code_of(places, letters, starts, known, buf, at, length):  # type: ignore[no-untyped-def]
    """Return the code of the name ``buf[at:at + length]``, ``FREE`` where it has none below ``known``."""
    mask = np.uint64(len(places) - 1)
    place = _hashed(buf, at, length) & mask
    while True:
        code = np.int64(places[place])
        if code == FREE or code >= known:
            return np.int64(FREE)
        if starts[code + 1] - starts[code] == length and agreed(letters, starts[code], buf, at, length) == length:
            return code
        place = (place + np.uint64(1)) & mask


@njit(cache=True, nogil=True)
def enter(places, letters, starts, first, end):  # type: ignore[no-untyped-def]
    """Give the names of the codes from ``first`` to ``end`` their places."""
    mask = np.uint64(len(places) - 1)
    for code in range(first, end):
        place = _hashed(letters, starts[code], starts[code + 1] - starts[code]) & mask
        while places[place] != FREE:
            place = (place + np.uint64(1)) & mask
        places[place] = code
