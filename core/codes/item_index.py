"""Codes of item names: what columns hold in the place of names."""

import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
UNKNOWN = -1
SPARE_BYTES = 8  # after the text: compiled code reads eight bytes at once
NAME_BYTES = 16  # room made for each name at first
LEAST_PLACES = 1_024


class Text(NamedTuple):
    """Names end to end: the name of ``code`` is ``letters[starts[code]:starts[code + 1]]``. May hold further names."""

    letters: Bytes
    starts: Ints


class Table(NamedTuple):
    """What compiled code finds the names below the code ``known`` by: see ``core.codes.names_kernel``."""

    places: NDArray[np.int32]
    letters: Bytes
    starts: Ints
    known: int


class Aligned(NamedTuple):
    """A model's rows beside the codes: ``codes`` of each row; ``rows`` of each code, ``UNKNOWN`` where it has none."""

    codes: Ints
    rows: Ints

    def row_of(self, code: int) -> int:
        """Return the row of that code, ``UNKNOWN`` for a name that the model does not have."""
        return int(self.rows[code]) if 0 <= code < len(self.rows) else UNKNOWN

    def rows_of(self, codes: Ints) -> Ints:
        """Return the rows of those codes, ``UNKNOWN`` for names that the model does not have."""
        known = (codes >= 0) & (codes < len(self.rows))
        out = np.full(len(codes), UNKNOWN, np.int64)
        out[known] = self.rows[codes[known]]
        return out


class ItemIndex:
    """Item names by code and codes by name. A code never changes, and codes have no gaps; threads may share an index.

    ``names``: each code's name; the list only grows.
    """

    def __init__(self, names: Iterable[bytes] = ()) -> None:
        self.names: list[bytes] = []
        self._codes: dict[bytes, int] = {}
        self._text = Text(np.zeros(SPARE_BYTES, np.uint8), np.zeros(1, np.int64))
        self._written = 0  # names in the text
        self._table = Table(np.zeros(0, np.int32), *self._text, 0)
        self._aligned: dict[int, tuple[Sequence[bytes], Aligned]] = {}
        self._lock = threading.Lock()
        self.codes(names)

    def __len__(self) -> int:
        return len(self.names)

    def find(self, name: bytes) -> int:
        """Return the name's code, ``UNKNOWN`` where it has none."""
        return self._codes.get(name, UNKNOWN)

    def code(self, name: bytes) -> int:
        """Return the name's code; a new name gets the next one."""
        code = self._codes.get(name)
        return self._added(name) if code is None else code

    def codes(self, names: Iterable[bytes]) -> Ints:
        """Return the names' codes; new names get the next ones, in the order given."""
        known = self._codes.get
        return np.array([self._added(name) if (code := known(name)) is None else code for name in names], np.int64)

    def aligned(self, items: Sequence[bytes]) -> Aligned:
        """Return the rows of a model, named by ``items``, beside the codes; computed once for each list of names."""
        kept = self._aligned.get(id(items))
        if kept is None:
            codes = self.codes(items)
            rows = np.full(codes.max(initial=UNKNOWN) + 1, UNKNOWN, np.int64)
            rows[codes] = np.arange(len(codes))
            kept = self._aligned[id(items)] = items, Aligned(codes, rows)  # the list is kept: its id stays its own
        return kept[1]

    @property
    def text(self) -> Text:
        """All names that have a code now, end to end."""
        if self._written < len(self.names):
            with self._lock:
                self._write()
        return self._text

    @property
    def table(self) -> Table:
        """All names that have a code now, for compiled code; made when first asked for."""
        if self._table.known < len(self.names) or not len(self._table.places):
            with self._lock:
                self._write()
                self._enter()
        return self._table

    def _enter(self) -> None:
        from core.codes.names_kernel import FREE, enter  # the import of the compiler takes longer than a lookup

        places, first, end = self._table.places, self._table.known, self._written
        if 2 * end >= len(places):
            size = LEAST_PLACES
            while size < 3 * end:
                size *= 2
            places, first = np.full(size, FREE, np.int32), 0
        enter(places, *self._text, first, end)
        self._table = Table(places, *self._text, end)

    def _write(self) -> None:
        first, end = self._written, len(self.names)
        if first == end:  # another thread has written them meanwhile
            return
        new = self.names[first:end]
        letters, starts = self._text
        used = int(starts[first])
        ends = used + np.cumsum([len(name) for name in new])
        if end + 1 > len(starts):
            starts = np.concatenate([starts[: first + 1], np.zeros(max(end, 2 * first) - first, np.int64)])
        if int(ends[-1]) + SPARE_BYTES > len(letters):
            room = max(int(ends[-1]), 2 * used, NAME_BYTES * end) - used + SPARE_BYTES
            letters = np.concatenate([letters[:used], np.zeros(room, np.uint8)])
        letters[used : ends[-1]] = np.frombuffer(b"".join(new), np.uint8)
        starts[first + 1 : end + 1] = ends
        self._text, self._written = Text(letters, starts), end

    def _added(self, name: bytes) -> int:
        with self._lock:
            code = self._codes.get(name)
            if code is None:
                code = len(self.names)
                self.names.append(name)  # before its code is known: no reader finds a code without its name
                self._codes[name] = code
            return code
