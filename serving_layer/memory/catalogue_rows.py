"""Rows of the catalogue kept in memory between two looks at its record.

Rows are written only under a claim, which is a new text of the record (``adapters.records.catalogue``). So while the
record stands still and no claim is open, no row changes.
"""

import threading
from collections.abc import Mapping, Sequence

MOST_BYTES = 64 << 20
ROW_BYTES = 200  # of a row beside its value
MOST_READ_AGAIN = 2_000

Read = Mapping[bytes, bytes | None]


class CatalogueRows:
    """Rows by space and key, None where there is no such row; all read after ``record``. Threads may share it."""

    def __init__(self, record: bytes | None) -> None:
        self.record = record
        self._spaces: dict[str, dict[bytes, bytes | None]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, space: str) -> Read:
        """Return the space's kept rows; others may be added meanwhile."""
        return self._spaces.get(space, {})

    @property
    def is_half_full(self) -> bool:
        """Whether nothing should be added that no answer asks for."""
        return self._bytes > MOST_BYTES // 2

    def add(self, space: str, keys: Sequence[bytes], rows: Mapping[bytes, bytes]) -> None:
        """Keep what a read of those keys gave."""
        with self._lock:
            if self._bytes > MOST_BYTES:
                self._spaces, self._bytes = {}, 0
            kept = self._spaces.setdefault(space, {})
            for key in keys:
                kept[key] = rows.get(key)
                self._bytes += ROW_BYTES + len(key) + len(rows.get(key, b""))

    def hot(self) -> dict[str, list[bytes]]:
        """Return keys that were asked for, by space; few enough to be read again at once."""
        return {space: list(kept)[-MOST_READ_AGAIN:] for space, kept in list(self._spaces.items())}
