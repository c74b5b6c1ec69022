"""Norms by code, read when they are first asked for."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from recommenders.port import Ints

UNREAD = np.iinfo(np.int64).min
# The norms of codes, in order, and whether other answers may use them already.
Read = Callable[[Ints], tuple[Sequence[int], bool]]


class Norms:
    """The merged norms that one commit left: an entry for each code. Threads may share them."""

    def __init__(self, amounts: Ints | None = None, asked: float = float("-inf")) -> None:
        self._amounts: Ints = np.full(0, UNREAD) if amounts is None else amounts
        self.asked = asked  # when last, by time.monotonic
        self._lock = threading.Lock()

    def after(self, added: Mapping[int, int], read: Mapping[int, int]) -> "Norms":
        """Return the norms that later commits left.

        Args: added: by code, what they added to norms.      read: norms as they are now, ``UNREAD`` for unknown ones.
        """
        amounts = self._amounts.copy()
        codes, new = _entries(added, len(amounts))
        known = amounts[codes] != UNREAD
        amounts[codes[known]] += new[known]
        codes, new = _entries(read, len(amounts))
        amounts[codes] = new
        return Norms(amounts, self.asked)

    def of(self, codes: Ints, read: Read) -> Ints:
        """Return the norms in thousandths, 0 for an item that has none.

        Args: read: called once, with the codes whose norms are not known yet; what it says is unconfirmed is not kept.
        """
        self.asked = time.monotonic()
        try:
            amounts = self._amounts
            norms = amounts.take(codes)
        except IndexError:
            amounts = self._grown(int(codes.max(initial=-1)) + 1)
            norms = amounts.take(codes)
        if norms.min(initial=0) == UNREAD:
            unread = np.unique(codes[norms == UNREAD])
            known, confirmed = read(unread)
            if not confirmed:
                amounts = amounts.copy()
            amounts[unread] = known
            norms = amounts[codes]
        return norms

    def _grown(self, size: int) -> Ints:
        with self._lock:
            if len(self._amounts) < size:
                more = max(size, 2 * len(self._amounts)) - len(self._amounts)
                self._amounts = np.concatenate([self._amounts, np.full(more, UNREAD)])
            return self._amounts


def _entries(norms: Mapping[int, int], size: int) -> tuple[Ints, Ints]:
    """Return codes and amounts, without codes that have no entry."""
    codes, amounts = np.fromiter(norms.keys(), np.int64), np.fromiter(norms.values(), np.int64)
    inside = (codes >= 0) & (codes < size)
    return codes[inside], amounts[inside]
