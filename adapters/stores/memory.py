"""Views in this process's memory: for stores that end with a computation, as an evaluation's do.

No address names it, since no other process could read it.
"""

import threading
from collections.abc import Iterator, Sequence

from adapters.stores.batches import require_guard
from adapters.stores.port import Book, Rows


class MemoryStore:
    """``adapters.stores.port.ViewStore`` in dictionaries; all methods may be called by any thread."""

    def __init__(self) -> None:
        self._records: dict[str, tuple[bytes, int]] = {}  # and how many guarded puts since
        self._rows: dict[str, dict[str, dict[bytes, bytes]]] = {}
        self._lock = threading.RLock()

    def record(self, book: Book) -> bytes | None:
        return self._state(book)[0]

    def swap(self, book: Book, expected: bytes | None, new: bytes, *, writes: int | None = None) -> bool:
        with self._lock:
            record, puts = self._state(book)
            if record != expected or writes not in (None, puts):
                return False
            self._records[book.name] = new, 0
            return True

    def put(self, book: Book, rows: Rows, *, guard: bytes | None = None) -> bool:
        require_guard(book, guard)
        with self._lock:
            if guard is not None:
                record, puts = self._state(book)
                if record != guard:
                    return False
                self._records[book.name] = guard, puts + 1
            spaces = self._rows.setdefault(book.name, {})
            for (space, key), value in rows.items():
                spaces.setdefault(space, {})[key] = value
        return True

    def read(self, book: Book, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        held = self._space(book, space)
        return {key: held[key] for key in keys if key in held}

    def scan(self, book: Book, space: str) -> Iterator[tuple[bytes, bytes]]:
        with self._lock:
            held = list(self._space(book, space).items())
        yield from held

    def spaces(self, book: Book) -> set[str]:
        with self._lock:
            return {space for space, held in self._rows.get(book.name, {}).items() if held}

    def delete(self, book: Book, space: str, keys: Sequence[bytes] | None = None) -> None:
        with self._lock:
            if keys is None:
                self._rows.get(book.name, {}).pop(space, None)
            for key in keys or ():
                self._space(book, space).pop(key, None)

    def copy(self, source: Book, target: Book, space: str, part: int = 0, parts: int = 1) -> int:
        if part:  # the first task copies all
            return 0
        with self._lock:
            there = self._rows.setdefault(target.name, {}).setdefault(space, {})
            lacking = {key: value for key, value in self._space(source, space).items() if key not in there}
            there.update(lacking)
            return len(lacking)

    def check(self) -> None:
        """Return: nothing here can be set up wrongly."""

    def close(self) -> None:
        """Do nothing: the rows end with the object."""

    def _state(self, book: Book) -> tuple[bytes | None, int]:
        return self._records.get(book.name, (None, 0))

    def _space(self, book: Book, space: str) -> dict[bytes, bytes]:
        return self._rows.get(book.name, {}).get(space, {})
