"""Norms by code, read when they are first asked for."""

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from core.rows.codec import unpack_norm
from core.rows.views import NORMS
from recommenders.port import Ints

if TYPE_CHECKING:
    from serving_layer.reading.snapshot import Snapshot

UNREAD = np.iinfo(np.int64).min


class Norms:
    """The merged norms that one commit left: an entry for each code. Threads may share them."""

    def __init__(self, amounts: Ints | None = None) -> None:
        self._amounts: Ints = np.full(0, UNREAD) if amounts is None else amounts
        self._lock = threading.Lock()

    def after(self, changed: Iterable[int]) -> "Norms":
        """Return the norms that later commits left, which changed those of these codes."""
        amounts = self._amounts.copy()
        codes = np.fromiter(changed, np.int64)
        amounts[codes[(codes >= 0) & (codes < len(amounts))]] = UNREAD
        return Norms(amounts)

    def of(self, snapshot: "Snapshot", codes: Ints) -> Ints:
        """Return the norms in thousandths, 0 for an item that has none."""
        amounts = self._grown(int(codes.max(initial=-1)) + 1)
        norms = amounts[codes]
        if (norms == UNREAD).any():
            unread = np.unique(codes[norms == UNREAD])
            names = snapshot.index.names
            rows = snapshot.decoded(NORMS, [names[code] for code in unread.tolist()], _sum)
            if snapshot.course.rows:  # read in this answer: other answers may use them only once it is confirmed
                amounts = amounts.copy()
            amounts[unread] = [row or 0 for row in rows]
            norms = amounts[codes]
        return norms

    def _grown(self, size: int) -> Ints:
        with self._lock:
            if len(self._amounts) < size:
                more = max(size, 2 * len(self._amounts)) - len(self._amounts)
                self._amounts = np.concatenate([self._amounts, np.full(more, UNREAD)])
            return self._amounts


def _sum(parts: list[bytes]) -> int:
    return sum(unpack_norm(part) for part in parts)
