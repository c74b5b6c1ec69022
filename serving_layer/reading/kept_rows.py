"""Small rows of a generation that nearly every answer reads, kept in memory: a generation never changes.

The norms of an item's neighbours lie all over a view; in Cassandra they are some fifty requests.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.rows.views import ITEMS, NORMS

KEPT = frozenset({NORMS, ITEMS})
MOST_ROWS = 500_000  # of one view: some 100 MB

Read = Callable[[Sequence[bytes]], Mapping[bytes, bytes]]


@dataclass
class KeptRows:
    """Of one generation, as they were read: by view, key -> value, or None where there is no such row."""

    generation: str | None
    _views: dict[str, dict[bytes, bytes | None]] = field(default_factory=dict)

    def read(self, view: str, keys: Sequence[bytes], read: Read) -> dict[bytes, bytes]:
        """The rows that exist; ``read`` gives those that are not kept yet. May be called by several threads."""
        kept = self._views.setdefault(view, {})  # only ever grows, so that no other thread misses what it saw there
        if missing := [key for key in keys if key not in kept]:
            found = read(missing)
            if len(kept) + len(missing) > MOST_ROWS:
                kept = self._views[view] = {key: kept[key] for key in keys if key in kept}
            kept.update((key, found.get(key)) for key in missing)
        return {key: value for key in keys if (value := kept[key]) is not None}
