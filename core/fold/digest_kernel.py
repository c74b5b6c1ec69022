"""Keyless BLAKE2b (RFC 7693) digests of 16 bytes for many short texts: ``hashlib`` computes them one by one."""

import numpy as np
from numba import njit

BLOCK_BYTES, ROUNDS = 128, 12
_START = np.array(
    [
        0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
        0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
    ],
    np.uint64,
)  # fmt: skip
_PARAMETERS = np.uint64(0x01010010)  # one leaf, one level, no key, a digest of 16 bytes
_ORDER = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ],
    np.int64,
)  # fmt: skip


@njit(cache=True, nogil=True)
def _turned(word, right):  # type: ignore[no-untyped-def]
    return (word >> np.uint64(right)) | (word << np.uint64(64 - right))


@njit(cache=True, nogil=True)
def _mix(v, a, b, c, d, x, y):  # type: ignore[no-untyped-def]
    """Apply the function G of section 3.1."""
    va, vb, vc, vd = v[a] + v[b] + x, v[b], v[c], v[d]
    vd = _turned(vd ^ va, 32)
    vc += vd
    vb = _turned(vb ^ vc, 24)
    va += vb + y
    vd = _turned(vd ^ va, 16)
    vc += vd
    v[a], v[b], v[c], v[d] = va, _turned(vb ^ vc, 63), vc, vd


@njit(cache=True, nogil=True)
def _compress(h, m, v, length, last):  # type: ignore[no-untyped-def]
    """Apply the function F of section 3.2 to the message block ``m``, whose end is ``length`` bytes into the text."""
    for k in range(8):
        v[k], v[k + 8] = h[k], _START[k]
    v[12] ^= np.uint64(length)
    if last:
        v[14] = ~v[14]
    for turn in range(ROUNDS):
        s = _ORDER[turn % len(_ORDER)]
        for k in range(4):
            _mix(v, k, k + 4, k + 8, k + 12, m[s[2 * k]], m[s[2 * k + 1]])
        for k in range(4):
            first = 8 + 2 * k
            _mix(v, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4, m[s[first]], m[s[first + 1]])
    for k in range(8):
        h[k] ^= v[k] ^ v[k + 8]


@njit(cache=True, nogil=True)
def digests(text, starts):  # type: ignore[no-untyped-def]
    """Return the digest of each ``text[starts[k]:starts[k + 1]]``, two little-endian halves: int64, shape (n, 2)."""
    out = np.empty((len(starts) - 1, 2), np.int64)
    h, m, v = np.empty(8, np.uint64), np.empty(16, np.uint64), np.empty(16, np.uint64)
    for k in range(len(starts) - 1):
        h[:] = _START
        h[0] ^= _PARAMETERS
        at, end = starts[k], starts[k + 1]
        while True:
            m[:] = 0
            size = min(end - at, BLOCK_BYTES)
            for n in range(size):
                m[n >> 3] |= np.uint64(text[at + n]) << np.uint64(8 * (n & 7))
            at += size
            _compress(h, m, v, at - starts[k], at == end)
            if at == end:
                break
        out[k, 0], out[k, 1] = np.int64(h[0]), np.int64(h[1])
    return out
