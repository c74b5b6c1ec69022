"""Codes of item names: what columns hold in the place of names."""

import threading
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
UNKNOWN = -1


class ItemIndex:
    """Item names by code and codes by name. A code never changes, and codes have no gaps; threads may share an index.

    ``names``: each code's name; the list only grows.
    """

    def __init__(self, names: Iterable[bytes] = ()) -> None:
        self.names: list[bytes] = []
        self._codes: dict[bytes, int] = {}
        self._lock = threading.Lock()
        self.codes(list(names))

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
        known = self._codes
        return np.array(
            [code if (code := known.get(name)) is not None else self._added(name) for name in names], np.int64
        )

    def _added(self, name: bytes) -> int:
        with self._lock:
            code = self._codes.get(name)
            if code is None:
                code = len(self.names)
                self.names.append(name)  # before its code is known: no reader finds a code without its name
                self._codes[name] = code
            return code
