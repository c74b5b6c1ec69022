"""What one process keeps of one generation, all of it or none: what is kept in columns shares one index of items."""

import threading
from typing import Any, Protocol, TypeVar

from core.codes.item_index import ItemIndex


class OfGeneration(Protocol):
    """Something kept of one generation, which never changes."""

    generation: str | None

    def __init__(self, generation: str | None) -> None: ...


K = TypeVar("K", bound=OfGeneration)


class Memory:
    """What is kept of a generation. A snapshot takes it once, so that its codes are those of one index.

    ``index``: the codes of the items. They are as old as this memory: columns of codes belong in here too.
    """

    def __init__(self, generation: str | None) -> None:
        self.generation = generation
        self.index = ItemIndex()
        self._kept: dict[type[Any], Any] = {}
        self._lock = threading.Lock()

    def kept(self, kind: type[K]) -> K:
        """Return the one of that kind, made empty when first asked for."""
        with self._lock:
            kept: K | None = self._kept.get(kind)
            if kept is None:
                kept = self._kept[kind] = kind(self.generation)
            return kept
