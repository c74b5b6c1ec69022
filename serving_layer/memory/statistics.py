"""What one process counts of its own answers, for whoever watches it; nothing here changes an answer."""

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Statistics:
    """Counts since the process began; they only grow.

    ``from_memory``, ``from_stores``: answers. ``left_memory``: answers that memory did not hold, by what was missing
    first: a view, the catalogue, ``model``, or ``moment`` where the views are not followed closely enough.
    ``started_over``: repetitions of an answer because the views changed under it. ``looks`` of the follower, their
    ``look_seconds``, how many took in a commit (``advances``), ``held_back`` a moment because rows in use were being
    rewritten, or ``emptied`` the memory.
    """

    from_memory: int = 0
    from_stores: int = 0
    left_memory: Counter[str] = field(default_factory=Counter)
    started_over: int = 0
    looks: int = 0
    look_seconds: float = 0.0
    advances: int = 0
    held_back: int = 0
    emptied: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def left(self, missing: str) -> None:
        """Count an answer that memory did not hold."""
        with self._lock:
            self.left_memory[missing] += 1

    def read_stores(self, tries: int) -> None:
        """Count an answer from the stores when it ends; ``tries``: how often it started over."""
        with self._lock:
            self.from_stores += 1
            self.started_over += tries
