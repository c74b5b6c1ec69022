"""How many distinct users a stretch of the log has, in 4,096 registers (HyperLogLog: Flajolet et al., AofA 2007).

A user's 64-bit hash names a register by its first 12 bits, and a rank: 1 + the zeros that the others begin with. A
register keeps the greatest rank, so two sketches merge by the greater of each, in any order, to the sketch of both.
The estimate is Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6): no bias to
correct and no range that is treated apart. Its standard error is ``ERROR``, less where there are few users.

Packed: how many registers are set (u16); then, of up to ``MOST_SPARSE``, their numbers (u16 each, ascending) and ranks
(u8 each); of more, all 4,096 ranks. Equal sketches have equal bytes.
"""

import math
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

BITS = 12
REGISTERS = 1 << BITS
MOST_RANK = 64 - BITS + 1
MOST_SPARSE = (REGISTERS - 1) // 3  # more take less room as 4,096 ranks
ERROR = math.sqrt((3 * math.log(2) - 1) / REGISTERS)  # 1.62 %
_MASK = (1 << 64) - 1
MULTIPLIER, SHIFT = 0xC6A4A7935BD1E995, 47

Ranks = Mapping[int, int]


@lru_cache(1 << 16)
def murmur_hash(name: str) -> int:
    """Return MurmurHash64A (Appleby, public domain) of the name's UTF-8 bytes with seed 0."""
    text = name.encode()
    h = len(text) * MULTIPLIER & _MASK
    whole = len(text) // 8 * 8
    for at in range(0, whole, 8):
        word = int.from_bytes(text[at : at + 8], "little") * MULTIPLIER & _MASK
        word = (word ^ word >> SHIFT) * MULTIPLIER & _MASK
        h = (h ^ word) * MULTIPLIER & _MASK
    if len(text) > whole:
        h = (h ^ int.from_bytes(text[whole:], "little")) * MULTIPLIER & _MASK
    h = (h ^ h >> SHIFT) * MULTIPLIER & _MASK
    return h ^ h >> SHIFT


def place_of(user: str) -> tuple[int, int]:
    """Return the user's register and rank."""
    h = murmur_hash(user)
    rest = h & ((1 << 64 - BITS) - 1)
    return h >> 64 - BITS, 64 - BITS - rest.bit_length() + 1


def pack_sketch(ranks: Ranks) -> bytes:
    """Pack the ranks of the registers that are set."""
    there = sorted((register, rank) for register, rank in ranks.items() if rank)
    head = len(there).to_bytes(2, "little")
    if len(there) > MOST_SPARSE:
        return head + bytes(ranks.get(register, 0) for register in range(REGISTERS))
    return head + b"".join(register.to_bytes(2, "little") for register, _ in there) + bytes(rank for _, rank in there)


def unpack_sketch(packed: bytes) -> dict[int, int]:
    """Return the rank of each register that is set."""
    n = int.from_bytes(packed[:2], "little")
    if n > MOST_SPARSE:
        return {register: rank for register, rank in enumerate(packed[2:]) if rank}
    numbers = (int.from_bytes(packed[2 + 2 * k : 4 + 2 * k], "little") for k in range(n))
    return dict(zip(numbers, packed[2 + 2 * n :], strict=True))


def joined_ranks(*sketches: Ranks) -> dict[int, int]:
    """Return the sketch of all users of these sketches."""
    out: dict[int, int] = {}
    for ranks in sketches:
        for register, rank in ranks.items():
            if rank > out.get(register, 0):
                out[register] = rank
    return out


def merge_sketches(earlier: bytes, later: bytes) -> bytes:
    """Keep the greater rank of each register."""
    return pack_sketch(joined_ranks(unpack_sketch(earlier), unpack_sketch(later)))


def estimate(ranks: Ranks) -> float:
    """Return about how many distinct users were counted; 0 only where none was."""
    counts = Counter(ranks.values())
    counts[0] = REGISTERS - sum(count for rank, count in counts.items() if rank)
    if counts[0] == REGISTERS:
        return 0.0
    z = REGISTERS * _tau(1 - counts[MOST_RANK] / REGISTERS)
    for rank in range(MOST_RANK - 1, 0, -1):
        z = 0.5 * (z + counts[rank])
    z += REGISTERS * _sigma(counts[0] / REGISTERS)
    return REGISTERS * REGISTERS / (2 * math.log(2) * z)


def _sigma(x: float) -> float:
    """Return x + Σ x^(2^k) · 2^(k−1) over k >= 1, for x below 1."""
    y, z, before = 1.0, x, -1.0
    while z != before:
        x, before = x * x, z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    """Return (1 − x − Σ (1 − x^(2^−k))² · 2^−k over k >= 1) / 3."""
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        x, before, y = math.sqrt(x), z, 0.5 * y
        z -= (1 - x) ** 2 * y
    return z / 3
