"""One process's numbers: 8-byte cells in memory, which a file may back so that other processes read them.

The file survives a kill -9: the system writes its pages. A second file says, one line each, which cells are whose.
"""

import json
import mmap
import threading
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

from core.telemetry.families import Family
from core.telemetry.joining import Key

CELLS = 8_192  # of a process, 64 KiB; all families with all their labels take some 3,000
NUMBERS, NAMES = ".numbers", ".names"


class Cells:
    """Numbers by family and labels; threads may share it. ``stem``: of both files; None: memory of this process."""

    def __init__(self, stem: Path | None = None) -> None:
        self._names = None if stem is None else stem.with_suffix(NAMES).open("w", encoding="utf-8")
        self._file = None if stem is None else stem.with_suffix(NUMBERS).open("w+b")
        if self._file is not None:
            self._file.truncate(CELLS * 8)
        self._memory = mmap.mmap(-1 if self._file is None else self._file.fileno(), CELLS * 8)
        self._cells = memoryview(self._memory).cast("d")
        self._starts: dict[Key, int] = {}
        self._sizes: dict[Key, int] = {}
        self._used = 0
        self._lock = threading.Lock()

    @property
    def descriptor(self) -> int | None:
        """The open file of the numbers, for a lock on it; None where there is none."""
        return None if self._file is None else self._file.fileno()

    def close(self) -> None:
        """Let go of the memory and the files, and so of a lock on them; nothing is counted afterwards."""
        self._cells.release()
        self._memory.close()
        for file in (self._names, self._file):
            if file is not None:
                file.close()

    def add(self, family: Family, labels: tuple[str, ...], amount: float) -> None:
        """Add to a counter."""
        with self._lock:
            start = self._starts.get((family.name, labels))
            if start is None and (start := self._begin(family, labels)) is None:
                return
            self._cells[start] += amount

    def put(self, family: Family, labels: tuple[str, ...], value: float) -> None:
        """Set a gauge."""
        with self._lock:
            start = self._starts.get((family.name, labels))
            if start is None and (start := self._begin(family, labels)) is None:
                return
            self._cells[start] = value

    def observe(self, family: Family, labels: tuple[str, ...], value: float) -> None:
        """Count a value of a histogram."""
        bucket = bisect_left(family.buckets, value)
        with self._lock:
            start = self._starts.get((family.name, labels))
            if start is None and (start := self._begin(family, labels)) is None:
                return
            self._cells[start + bucket] += 1
            self._cells[start + family.cells - 1] += value

    def numbers(self) -> dict[Key, tuple[float, ...]]:
        """Return all numbers."""
        with self._lock:
            return {key: tuple(self._cells[start : start + self._sizes[key]]) for key, start in self._starts.items()}

    def _begin(self, family: Family, labels: tuple[str, ...]) -> int | None:
        return self._named((family.name, labels), family.cells)

    def _named(self, key: Key, size: int) -> int | None:
        """Give the numbers a place; None once all cells are taken: what has none is not counted."""
        start = self._used
        if start + size > CELLS:
            return None
        if self._names is not None:
            self._names.write(json.dumps([key[0], list(key[1]), start, size]) + "\n")
            self._names.flush()
        self._starts[key], self._sizes[key], self._used = start, size, start + size
        return start


def stored_numbers(stem: Path) -> dict[Key, tuple[float, ...]]:
    """Return the numbers that a process keeps in its files; none where they are gone or not there yet."""
    try:
        cells = memoryview(stem.with_suffix(NUMBERS).read_bytes()).cast("d")
        return {key: tuple(cells[start : start + size]) for key, start, size in _places(stem)}
    except (OSError, TypeError):  # a file of no whole cells is just being made
        return {}


def _places(stem: Path) -> Iterator[tuple[Key, int, int]]:
    text = stem.with_suffix(NAMES).read_text(encoding="utf-8")
    for line in text[: text.rfind("\n") + 1].splitlines():
        name, labels, start, size = json.loads(line)
        yield (name, tuple(labels)), start, size
