"""The byte formats of view rows. All integers are little-endian; names are UTF-8 and sums are sorted by them.

====================  =============================================================================
sums (pairs, counts)  n:u32, amount:i64[n], length:u16[n], names' bytes; amounts are never 0
seen                  as sums; the amount is 1 (seen) or 0 (retracted since)
norm                  i64
history               n:u16, m:u16, rating:i64[n], last_time:i64[n], id:16 bytes[m], length:u16[n], names' bytes
item                  event_time:i64, partition:i32, offset:i64, category's bytes (time -1: no category yet)
facts                 a JSON object
====================  =============================================================================
"""

import hashlib
import itertools
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

_ITEM = struct.Struct("<qiq")
ID_BYTES = 16


def event_key(event_id: str) -> bytes:
    """The 128-bit digest by which a history remembers an event id (collision-resistant, so equality is exact)."""
    return hashlib.blake2b(event_id.encode(), digest_size=ID_BYTES).digest()


def bucket_key(bucket: int) -> bytes:
    """The row key of an hourly bucket (hours since the epoch); byte order is time order."""
    return struct.pack(">I", bucket)


def bucket_of_key(key: bytes) -> int:
    return int(struct.unpack(">I", key)[0])


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One item of a history: rating in thousandths, last touched at epoch ms."""

    item: bytes
    rating: int
    last_time: int


@dataclass(frozen=True, slots=True)
class History:
    """A user's last N distinct items, least recently touched first, and the digests of the last D event ids."""

    entries: tuple[HistoryEntry, ...] = ()
    ids: tuple[bytes, ...] = ()


def pack_sums(sums: Iterable[tuple[bytes, int]]) -> bytes:
    """Pack (name, amount) in the order given, which must be ascending by name."""
    rows = list(sums)
    names = [name for name, _ in rows]
    amounts = np.array([amount for _, amount in rows], dtype="<i8")
    lengths = np.array([len(name) for name in names], dtype="<u2")
    return b"".join([struct.pack("<I", len(rows)), amounts.tobytes(), lengths.tobytes(), *names])


def unpack_sums(blob: bytes) -> dict[bytes, int]:
    """Every name with its amount, ascending by name."""
    return dict(zip(*unpack_columns(blob), strict=True))


def unpack_columns(blob: bytes) -> tuple[list[bytes], list[int]]:
    """The names and the amounts as two columns of equal length."""
    n = int.from_bytes(blob[:4], "little")
    amounts: list[int] = np.frombuffer(blob, "<i8", n, 4).tolist()
    ends = np.cumsum(np.frombuffer(blob, "<u2", n, 4 + 8 * n), dtype=np.int64) + 4 + 10 * n
    starts = [4 + 10 * n, *ends.tolist()]
    return [blob[a:b] for a, b in itertools.pairwise(starts)], amounts


def total_of(blob: bytes) -> int:
    """The sum of all amounts."""
    return int(np.frombuffer(blob, "<i8", int.from_bytes(blob[:4], "little"), 4).sum())


def pack_norm(amount: int) -> bytes:
    return struct.pack("<q", amount)


def unpack_norm(blob: bytes) -> int:
    return int.from_bytes(blob, "little", signed=True)


def pack_history(history: History) -> bytes:
    entries = history.entries
    numbers = np.array([e.rating for e in entries] + [e.last_time for e in entries], dtype="<i8")
    lengths = np.array([len(e.item) for e in entries], dtype="<u2")
    head = struct.pack("<HH", len(entries), len(history.ids))
    return b"".join([head, numbers.tobytes(), *history.ids, lengths.tobytes(), *[e.item for e in entries]])


def unpack_history(blob: bytes) -> History:
    n, m = struct.unpack_from("<HH", blob)
    numbers = np.frombuffer(blob, "<i8", 2 * n, 4).tolist()
    at = 4 + 16 * n
    ids = tuple(blob[at + ID_BYTES * k : at + ID_BYTES * (k + 1)] for k in range(m))
    at += ID_BYTES * m
    lengths = np.frombuffer(blob, "<u2", n, at).tolist()
    at += 2 * n
    entries = []
    for k in range(n):
        entries.append(HistoryEntry(blob[at : at + lengths[k]], numbers[k], numbers[n + k]))
        at += lengths[k]
    return History(tuple(entries), ids)


@dataclass(frozen=True, slots=True)
class ItemSeen:
    """That an item occurred, and the newest event that named its category (all -1 and "" when none did)."""

    event_time: int = -1
    partition: int = -1
    offset: int = -1
    category: str = ""


def pack_item(item: ItemSeen) -> bytes:
    return _ITEM.pack(item.event_time, item.partition, item.offset) + item.category.encode()


def unpack_item(blob: bytes) -> ItemSeen:
    when, partition, offset = _ITEM.unpack_from(blob)
    return ItemSeen(when, partition, offset, blob[_ITEM.size :].decode())


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a whole stretch of the log.

    ``as_of``: max of min(event_time, Kafka timestamp), epoch ms; ``oldest_bucket``: hours since the epoch (both
    None when there is none); ``events``: accepted without duplicates; ``rejected``: count by reason.
    """

    as_of: int | None = None
    oldest_bucket: int | None = None
    events: int = 0
    rejected: dict[str, int] | None = None


def pack_facts(facts: Facts) -> bytes:
    raw: dict[str, Any] = {"as_of": facts.as_of, "oldest_bucket": facts.oldest_bucket, "events": facts.events}
    return json.dumps({**raw, "rejected": facts.rejected or {}}, sort_keys=True).encode()


def unpack_facts(blob: bytes) -> Facts:
    return Facts(**json.loads(blob))
