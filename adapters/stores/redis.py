"""Views in Redis: what the speed layer outgrows SQLite to.

Measured on 2 cores, server beside it, 5,000 rows of 4 kB: guarded put 40,000-54,000 rows/s, read 20,000-35,000.
All keys of a book carry its name as hash tag: ``millrace:{book}:record`` (string), ``…:puts`` (hash: ``count`` of
guarded puts, and how far unfinished ones came), ``…:spaces`` (set of names) and ``…:rows:<space>`` (hash).
With a prefix, for installations that share a database, ``millrace:<prefix>:{book}:record`` and so on.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from urllib.parse import quote, urlsplit

import redis
from redis import exceptions as refusals
from redis.backoff import NoBackoff
from redis.retry import Retry

from adapters.stores.batches import Row, batches, require_guard, slices
from adapters.stores.port import Book, Rows
from adapters.stores.redis_url import USAGE, without_prefix
from schemas.errors import MillraceError, SettingsError, StoreUnavailable

BATCH_BYTES = 1 << 20  # of one script: Redis serves nobody else for the 2 ms that it takes
BATCH_ROWS = 5_000
BATCHES_PER_FLIGHT = 8  # sent before the first answer is read
KEYS_PER_QUERY = 1_000
ROWS_PER_PAGE = 200  # a hint to HSCAN

# Scripts are sent in full with each call (EVAL): beside a batch their length is nothing, and a restarted server needs
# nothing loaded. KEYS: record, puts. ARGV: whether a record is expected, which, the new one, puts or ''.
SWAP = """
if redis.call('GET', KEYS[1]) ~= (ARGV[1] == '1' and ARGV[2]) then return 0 end
if ARGV[4] ~= '' and tonumber(redis.call('HGET', KEYS[2], 'count') or 0) ~= tonumber(ARGV[4]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3])
redis.call('DEL', KEYS[2])
return 1
"""
# KEYS: record, puts, spaces, then the hash of each space. ARGV: guard, the call's token, number of the batch, whether
# it is the last, then for each space: name, length of what follows, key, value, key, value …
# A batch is refused unless all before it of the same call are still there: a server restored in the middle of a call
# must not count the call.
PUT = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0) ~= tonumber(ARGV[3]) then return 0 end
local at = 5
for i = 4, #KEYS do
  local stop = at + 1 + tonumber(ARGV[at + 1])
  redis.call('SADD', KEYS[3], ARGV[at])
  for from = at + 2, stop, 2000 do
    redis.call('HSET', KEYS[i], unpack(ARGV, from, math.min(from + 1999, stop)))
  end
  at = stop + 1
end
if ARGV[4] == '1' then
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('HINCRBY', KEYS[2], 'count', 1)
else
  redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
end
return 1
"""


# One page of a copy, inside the server. KEYS: both hashes, the target's spaces. ARGV: cursor, rows, space.
COPY = """
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local copied = 0
for i = 1, #page[2], 2 do copied = copied + redis.call('HSETNX', KEYS[2], page[2][i], page[2][i + 1]) end
if #page[2] > 0 then redis.call('SADD', KEYS[3], ARGV[3]) end
return {page[1], copied}
"""


class RedisStore:
    """The port on one Redis (or the primary behind one address); swaps and guarded puts are scripts.

    Nothing is tried twice behind the caller's back: a put that happened and was sent again would count twice.
    """

    def __init__(self, client: Any, address: str, prefix: str = "") -> None:
        self._client = client  # its pool is safe for threads and notices a fork
        self._address = address
        self._space = f"millrace:{prefix}:" if prefix else "millrace:"

    @classmethod
    def at(cls, url: str, timeout_ms: int) -> "RedisStore":
        """Return the store of a ``redis://[user:password@]host:port/db[?prefix=name]`` URL; ``rediss`` for TLS."""
        seconds = timeout_ms / 1000
        options = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
        try:
            url, prefix = without_prefix(url)
            parts = urlsplit(url)
            client = redis.Redis.from_url(url, protocol=2, **options)
            client.connection_pool.make_connection()  # connects to nothing yet, but knows the options
        except (ValueError, TypeError):  # its text may hold the password
            raise SettingsError(f"Not a Redis URL: use {USAGE}") from None
        return cls(client, f"{parts.hostname or 'localhost'}:{parts.port or 6379}{parts.path}", prefix)

    def record(self, book: Book) -> bytes | None:
        with self._explained():
            text: bytes | None = self._client.get(self._key(book, "record"))
            return text

    def swap(self, book: Book, expected: bytes | None, new: bytes, *, writes: int | None = None) -> bool:
        count = "" if writes is None else writes
        before = ("0", b"") if expected is None else ("1", expected)
        keys = (self._key(book, "record"), self._key(book, "puts"))
        with self._explained():
            return bool(self._client.eval(SWAP, len(keys), *keys, *before, new, count))

    def put(self, book: Book, rows: Rows, *, guard: bytes | None = None) -> bool:
        require_guard(book, guard)
        token = secrets.token_hex(8)
        requests = enumerate(batches(rows, BATCH_BYTES, BATCH_ROWS))
        while flight := list(islice(requests, BATCHES_PER_FLIGHT)):
            with self._explained(), self._client.pipeline(transaction=False) as pipeline:
                for number, (batch, last) in flight:
                    if guard is None:
                        self._put_freely(pipeline, book, batch)
                    else:
                        self._put_guarded(pipeline, book, batch, (guard, token, number, int(last)))
                answers = pipeline.execute()
            if guard is not None and not all(answers):
                return False
        return True

    def read(self, book: Book, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        parts = list(slices(keys, KEYS_PER_QUERY))
        with self._explained(), self._client.pipeline(transaction=False) as pipeline:
            for page in parts:
                pipeline.hmget(self._rows_key(book, space), page)
            answers = pipeline.execute()
        pairs = (pair for page, values in zip(parts, answers, strict=True) for pair in zip(page, values, strict=True))
        return {key: value for key, value in pairs if value is not None}

    def scan(self, book: Book, space: str) -> Iterator[tuple[bytes, bytes]]:
        seen: set[bytes] = set()  # HSCAN gives a row twice when the hash is resized meanwhile; keys only, not values
        cursor = 0
        while True:
            with self._explained():
                cursor, page = self._client.hscan(self._rows_key(book, space), cursor, count=ROWS_PER_PAGE)
            for key, value in page.items():
                if key not in seen:
                    seen.add(key)
                    yield key, value
            if cursor == 0:
                return

    def spaces(self, book: Book) -> set[str]:
        with self._explained():
            names = [name.decode() for name in self._client.smembers(self._key(book, "spaces"))]
            with self._client.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.exists(self._rows_key(book, name))  # Redis has no empty hash: its last row takes it along
                return {name for name, exists in zip(names, pipeline.execute(), strict=True) if exists}

    def delete(self, book: Book, space: str, keys: Sequence[bytes] | None = None) -> None:
        with self._explained(), self._client.pipeline(transaction=keys is None) as pipeline:
            if keys is None:
                pipeline.unlink(self._rows_key(book, space)).srem(self._key(book, "spaces"), space)
            else:
                for page in slices(keys, KEYS_PER_QUERY):
                    pipeline.hdel(self._rows_key(book, space), *page)
            pipeline.execute()

    def copy(self, source: Book, target: Book, space: str, part: int = 0, parts: int = 1) -> int:
        if part:  # the server does one thing at a time
            return 0
        keys = [self._rows_key(source, space), self._rows_key(target, space), self._key(target, "spaces")]
        cursor, copied = b"0", 0
        while True:
            with self._explained():
                cursor, more = self._client.eval(COPY, len(keys), *keys, cursor, ROWS_PER_PAGE, space)
            copied += int(more)
            if cursor == b"0":
                return copied

    def check(self) -> None:
        with self._explained():
            try:
                policy = self._client.config_get("maxmemory-policy")["maxmemory-policy"]
            except (refusals.ResponseError, KeyError):  # managed servers forbid CONFIG
                policy = self._client.info("memory").get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            raise SettingsError(
                f"Redis at {self._address} may evict views (maxmemory-policy {policy}): "
                "set it to noeviction with CONFIG SET maxmemory-policy noeviction, and in its configuration."
            )

    def close(self) -> None:
        self._client.close()

    def _key(self, book: Book, part: str) -> str:
        return f"{self._space}{{{quote(book.name)}}}:{part}"  # quoted: a brace would end the hash tag

    def _rows_key(self, book: Book, space: str) -> str:
        return self._key(book, f"rows:{space}")

    def _put_freely(self, pipeline: Any, book: Book, batch: list[Row]) -> None:
        for space, items in _by_space(batch).items():
            pipeline.sadd(self._key(book, "spaces"), space)
            pipeline.hset(self._rows_key(book, space), items=items)

    def _put_guarded(self, pipeline: Any, book: Book, batch: list[Row], head: tuple[Any, ...]) -> None:
        spaces = _by_space(batch)
        keys = [self._key(book, part) for part in ("record", "puts", "spaces")]
        keys += [self._rows_key(book, space) for space in spaces]
        values: list[Any] = [*head]
        for space, items in spaces.items():
            values += (space, len(items), *items)
        pipeline.eval(PUT, len(keys), *keys, *values)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            raise _as_ours(error, self._address) from None  # an error of a pipeline holds the rows


def _as_ours(error: redis.RedisError, address: str) -> MillraceError:
    text = str(error).rpartition(" caused error: ")[2][:500]
    text = text.partition("with args beginning with")[0]  # a server without AUTH repeats what it was given
    if isinstance(error, refusals.AuthenticationError | refusals.NoPermissionError):
        return SettingsError(f"Redis at {address} refuses user or password: {text}")
    if "OOM command not allowed" in text:  # scripts report it without an error class of its own
        return SettingsError(f"Redis at {address} is full: raise its maxmemory or give it fewer views. ({text})")
    return StoreUnavailable(f"Redis at {address} did not do what was asked: {text}")


def _by_space(batch: Iterable[Row]) -> dict[str, list[bytes]]:
    """Return for each space its keys and values in turn."""
    spaces: dict[str, list[bytes]] = {}
    for space, key, value in batch:
        spaces.setdefault(space, []).extend((key, value))
    return spaces
