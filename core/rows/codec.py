"""The byte formats of view rows. All integers are little-endian; names are UTF-8 and sums are sorted by them.

========  ====================================================================================================
sums      n:u32, unit:u16, w:u8, l:u8, amount/unit: w-byte signed [n], shared: l-byte [n], rest: l-byte [n], text
seen      as sums, whose amount is a word on the item; then its packed touches: i64 [n] (``core.rows.words``)
sketch    ``core.rows.sketch``
norm      i64
history   n:u16, m:u16, kept:u16, unit:u16, w:u8, t:u8, l:u8, first:i64, rating/unit: w-byte signed [n],
          last_time - first: t-byte [n], id: 16 bytes [m], length: l-byte [n], names, then of the user's share
          (``core.rows.shares``; fold versions before 7 end with the names) cell:u8 number:u8 [c], day:u32, c:u16
item      event_time:i64, partition:i32, offset:i64, category's bytes (time -1: no category yet)
facts     a JSON object
========  ====================================================================================================

Pairs, counts, excess and activity are sums; their amounts are never 0. ``unit`` is 1000 where all are whole
thousands, else 1; widths are the smallest of 1, 2, 4, 8 that hold all, so equal sums have equal bytes. A name is the
first ``shared`` bytes of the one before it, followed by ``rest`` bytes of the text. A change to a history is whole but
for the ids, of which it has only the new ones: ``kept`` of the newest ones before it stay (0: it has all).
"""

import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

SUMS_HEAD = struct.Struct("<IHBB")
HISTORY_HEAD = struct.Struct("<HHHHBBBq")
HISTORY_END = struct.Struct("<IH")
_ITEM = struct.Struct("<qiq")
UNIT = 1000
TOUCHES_BYTES = 8
ID_BYTES = 16  # of the digest by which a history remembers an event id


def bucket_key(bucket: int) -> bytes:
    """Return the row key of an hourly bucket (hours since the epoch); byte order is time order."""
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
    """A user's last N distinct items, least recently touched first, and the digests of the last D event ids.

    ``day``: the newest one, since 1970, of which events were counted (0: none); ``counted``: how many of that day, by
    cell of items, as (cell, number).
    """

    entries: tuple[HistoryEntry, ...] = ()
    ids: tuple[bytes, ...] = ()
    day: int = 0
    counted: tuple[tuple[int, int], ...] = ()


def pack_sums(sums: Iterable[tuple[bytes, int]]) -> bytes:
    """Pack (name, amount) in the order given, which must be ascending by name."""
    rows = list(sums)
    shared, before = [], b""
    for name, _ in rows:
        shared.append(_common(before, name))
        before = name
    unit, numbers = _scaled([amount for _, amount in rows])
    rest = [len(name) - k for (name, _), k in zip(rows, shared, strict=True)]
    long = _width(shared + rest, signed=False)
    lengths = np.array(shared + rest, f"<u{long}").tobytes()
    texts = [name[k:] for (name, _), k in zip(rows, shared, strict=True)]
    head = SUMS_HEAD.pack(len(rows), unit, numbers.itemsize, long)
    return b"".join([head, numbers.tobytes(), lengths, *texts])


def unpack_sums(blob: bytes) -> dict[bytes, int]:
    """Return every name with its amount, ascending by name."""
    return dict(zip(*unpack_columns(blob), strict=True))


def unpack_columns(blob: bytes) -> tuple[list[bytes], list[int]]:
    """Return the names and the amounts as two columns of equal length."""
    n, unit, width, long = SUMS_HEAD.unpack_from(blob)
    lengths = np.frombuffer(blob, f"<u{long}", 2 * n, SUMS_HEAD.size + width * n).tolist()
    at = SUMS_HEAD.size + (width + 2 * long) * n
    names, name = [], b""
    for shared, rest in zip(lengths[:n], lengths[n:], strict=True):
        name = name[:shared] + blob[at : at + rest]
        names.append(name)
        at += rest
    return names, (_numbers(blob, n, width, SUMS_HEAD.size) * unit).tolist()


def pack_seen(words: Iterable[tuple[bytes, int, int]]) -> bytes:
    """Pack (name, word, packed touches) in the order given, which must be ascending by name."""
    rows = list(words)
    touches = np.array([touched for *_, touched in rows], "<i8")
    return pack_sums((name, said) for name, said, _ in rows) + touches.tobytes()


def unpack_seen(blob: bytes) -> dict[bytes, tuple[int, int]]:
    """Return every name with its word and its packed touches, ascending by name."""
    names, words = unpack_columns(blob)
    touches = np.frombuffer(blob, "<i8", len(names), len(blob) - TOUCHES_BYTES * len(names)).tolist()
    return dict(zip(names, zip(words, touches, strict=True), strict=True))


def _common(a: bytes, b: bytes) -> int:
    """Return how many bytes both begin with."""
    return next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _width(numbers: Sequence[int], signed: bool = True) -> int:
    low, high = min(numbers, default=0), max(numbers, default=0)
    kind = "i" if signed else "u"
    return next(w for w in (1, 2, 4, 8) if np.iinfo(f"{kind}{w}").min <= low and high <= np.iinfo(f"{kind}{w}").max)


def _scaled(amounts: Sequence[int]) -> "tuple[int, np.ndarray[Any, np.dtype[Any]]]":
    unit = UNIT if amounts and all(amount % UNIT == 0 for amount in amounts) else 1
    numbers = [amount // unit for amount in amounts]
    return unit, np.array(numbers, f"<i{_width(numbers)}")


def _numbers(blob: bytes, n: int, width: int, at: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.frombuffer(blob, f"<i{width}", n, at).astype(np.int64)


def pack_norm(amount: int) -> bytes:
    return struct.pack("<q", amount)


def unpack_norm(blob: bytes) -> int:
    return int.from_bytes(blob, "little", signed=True)


def pack_history(history: History) -> bytes:
    entries = history.entries
    unit, ratings = _scaled([e.rating for e in entries])
    first = min((e.last_time for e in entries), default=0)
    times, lengths = [e.last_time - first for e in entries], [len(e.item) for e in entries]
    wide, long = _width(times, signed=False), _width(lengths, signed=False)
    head = HISTORY_HEAD.pack(len(entries), len(history.ids), 0, unit, ratings.itemsize, wide, long, first)
    columns = [np.array(times, f"<u{wide}").tobytes(), *history.ids, np.array(lengths, f"<u{long}").tobytes()]
    end = [*map(bytes, history.counted), HISTORY_END.pack(history.day, len(history.counted))]
    return b"".join([head, ratings.tobytes(), *columns, *[e.item for e in entries], *end])


def unpack_history(blob: bytes) -> History:
    n, m, _, unit, width, wide, long, first = HISTORY_HEAD.unpack_from(blob)
    ratings = (_numbers(blob, n, width, HISTORY_HEAD.size) * unit).tolist()
    at = HISTORY_HEAD.size + width * n
    times = [first + delta for delta in np.frombuffer(blob, f"<u{wide}", n, at).tolist()]
    at += wide * n
    ids = tuple(blob[at + ID_BYTES * k : at + ID_BYTES * (k + 1)] for k in range(m))
    at += ID_BYTES * m
    lengths = np.frombuffer(blob, f"<u{long}", n, at).tolist()
    at += long * n
    entries = []
    for rating, time, length in zip(ratings, times, lengths, strict=True):
        entries.append(HistoryEntry(blob[at : at + length], rating, time))
        at += length
    return History(tuple(entries), ids, *_counted(blob[at:]))


def _counted(end: bytes) -> tuple[int, tuple[tuple[int, int], ...]]:
    if not end:
        return 0, ()
    day, cells = HISTORY_END.unpack_from(end, len(end) - HISTORY_END.size)
    return day, tuple((end[2 * k], end[2 * k + 1]) for k in range(cells))


def add_history(earlier: bytes, later: bytes) -> bytes:
    """Return a whole history, from a whole one and the change that came after it."""
    n, m, kept, *shape = HISTORY_HEAD.unpack_from(later)
    if kept == 0:
        return later
    at, _ = _ids_of(later)
    _, end = _ids_of(earlier)
    head = HISTORY_HEAD.pack(n, m + kept, 0, *shape)
    return b"".join([head, later[HISTORY_HEAD.size : at], earlier[end - ID_BYTES * kept : end], later[at:]])


def _ids_of(blob: bytes) -> tuple[int, int]:
    """Return where a packed history's ids begin and end."""
    n, m, _, _, width, wide, _, _ = HISTORY_HEAD.unpack_from(blob)
    at: int = HISTORY_HEAD.size + (width + wide) * n
    return at, at + ID_BYTES * m


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

    ``as_of``: max of min(event_time, Kafka timestamp), epoch ms; ``oldest_bucket``: the first hour since the epoch with
    a count of items, ``first_hour``: with an event (None when there is none); ``events``: accepted without duplicates;
    ``duplicates``: accepted, but known already; ``rejected``: count by reason; ``excess``: beyond a user's share.
    """

    as_of: int | None = None
    oldest_bucket: int | None = None
    events: int = 0
    rejected: dict[str, int] | None = None
    duplicates: int = 0
    first_hour: int | None = None
    excess: int = 0


def pack_facts(facts: Facts) -> bytes:
    return json.dumps({**asdict(facts), "rejected": facts.rejected or {}}, sort_keys=True).encode()


def unpack_facts(blob: bytes) -> Facts:
    return Facts(**json.loads(blob))
