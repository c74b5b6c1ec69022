"""A view store whose calls are timed and traced and whose failures are counted, by the book that they are for."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from adapters.stores.port import Book, Rows, ViewStore
from adapters.telemetry.counting import count, observe
from adapters.tracing.active import store_call
from core.telemetry.families import STORE_CALL_SECONDS, STORE_FAILURES
from schemas.errors import StoreUnavailable


class TimedStore:
    """Does what the store does. ``kind``: of the store, such as ``redis``."""

    def __init__(self, store: ViewStore, kind: str) -> None:
        self._store, self._kind = store, kind

    @contextmanager
    def _timed(self, operation: str, book: Book) -> Iterator[None]:
        began, kind = time.perf_counter(), book.name.partition("/")[0]
        try:
            with store_call(self._kind, kind, operation):
                yield
        except StoreUnavailable:
            count(STORE_FAILURES, self._kind)
            raise
        observe(STORE_CALL_SECONDS, self._kind, kind, operation, value=time.perf_counter() - began)

    def record(self, book: Book) -> bytes | None:
        with self._timed("record", book):
            return self._store.record(book)

    def swap(self, book: Book, expected: bytes | None, new: bytes, *, writes: int | None = None) -> bool:
        with self._timed("swap", book):
            return self._store.swap(book, expected, new, writes=writes)

    def put(self, book: Book, rows: Rows, *, guard: bytes | None = None) -> bool:
        with self._timed("put", book):
            return self._store.put(book, rows, guard=guard)

    def read(self, book: Book, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        with self._timed("read", book):
            return self._store.read(book, space, keys)

    def scan(self, book: Book, space: str) -> Iterator[tuple[bytes, bytes]]:
        return self._store.scan(book, space)  # its time is that of whoever takes the rows

    def spaces(self, book: Book) -> set[str]:
        with self._timed("spaces", book):
            return self._store.spaces(book)

    def delete(self, book: Book, space: str, keys: Sequence[bytes] | None = None) -> None:
        with self._timed("delete", book):
            self._store.delete(book, space, keys)

    def copy(self, source: Book, target: Book, space: str, part: int = 0, parts: int = 1) -> int:
        with self._timed("copy", target):
            return self._store.copy(source, target, space, part, parts)

    def check(self) -> None:
        self._store.check()

    def close(self) -> None:
        self._store.close()
