"""The events of an evaluation as columns: cut at moments and by user, and what stands of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.ranking.shelves import Labels
from core.rows.words import standing_words
from schemas.catalogue import Item
from schemas.event import DAY_MS, REMOVE

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Interactions:
    """Events of a weight other than 0 in order of event time; ids are codes in order of first appearance.

    ``weight`` in thousandths or ``REMOVE``, ``time`` in epoch ms; all four of equal length. ``labels`` and catalogue
    ``records``: of each item, by code; empty: unknown. ``pictures``: a vector of each item's, zeros for one without.
    """

    user: Ints
    item: Ints
    weight: Ints
    time: Ints
    users: int
    items: int
    labels: Labels = ()
    records: Sequence[Item | None] = ()
    pictures: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.time)

    def before(self, end: int) -> "Interactions":
        """Return the first ``end`` events, under the same codes."""
        return self._part(slice(0, end))

    def only(self, kept: Mask) -> "Interactions":
        """Return those events where ``kept`` is true, under the same codes."""
        return self._part(kept)

    def split(self, share: float) -> tuple["Interactions", "Interactions"]:
        """Return what precedes the moment of event floor(share * n), and the rest; the cut never splits equal times."""
        end = int(np.searchsorted(self.time, self.time[int(share * len(self))], "left")) if len(self) else 0
        return self.before(end), self._part(slice(end, None))

    def split_each(self, share: float) -> tuple["Interactions", "Interactions"]:
        """Return the first floor(share * n) of each user's n events, and the rest."""
        order, count = np.argsort(self.user, kind="stable"), np.bincount(self.user, minlength=self.users)
        place = np.empty(len(self), np.int64)
        place[order] = np.arange(len(self)) - np.repeat(np.cumsum(count) - count, count)
        first = place < np.floor(share * count)[self.user]
        return self.only(first), self.only(~first)

    def split_last(self) -> tuple["Interactions", "Interactions"]:
        """Return all but each user's last event, and the last events of those who have others."""
        last = np.zeros(len(self), np.bool_)
        _, newest, count = np.unique(self.user[::-1], return_index=True, return_counts=True)
        last[len(self) - 1 - newest[count > 1]] = True
        return self.only(~last), self.only(last)

    def _part(self, rows: slice | Mask) -> "Interactions":
        user, item, weight, time = (column[rows] for column in (self.user, self.item, self.weight, self.time))
        return replace(self, user=user, item=item, weight=weight, time=time)

    def counted(self, per_day: int) -> Mask:
        """Return which events enter the hourly counts: of a user, an item and a day the first ``per_day``.

        Items are told apart exactly, as if each had a cell of its own (``core.rows.shares``).
        """
        rated = np.flatnonzero(self.weight > 0)
        pair = self.user[rated] * self.items + self.item[rated]
        day = self.time[rated] // DAY_MS
        order = np.lexsort((day, pair))
        pair, day = pair[order], day[order]
        begins = np.flatnonzero(np.r_[True, (pair[1:] != pair[:-1]) | (day[1:] != day[:-1])]) if len(order) else order
        place = np.arange(len(order)) - np.repeat(begins, np.diff(np.r_[begins, len(order)]))
        out = np.zeros(len(self), np.bool_)
        out[rated[order[place < per_day]]] = True
        return out

    def standing(self) -> tuple[Ints, Ints, Ints]:
        """Return user, item and rating of the pairs that stand, ascending by user and item."""
        user, item, rating, _ = self.standing_words()
        return user, item, rating

    def last_touches(self, user: Ints, item: Ints) -> Ints:
        """Return of each of these pairs, ascending by user and item, the number of the last event that rated it."""
        rated = np.flatnonzero(self.weight > 0)[::-1]
        pairs, newest = np.unique(self.user[rated] * self.items + self.item[rated], return_index=True)
        touched: Ints = rated[newest[np.searchsorted(pairs, user * self.items + item)]]
        return touched

    def standing_words(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Return the same and the packed touches of each pair (``core.rows.words``)."""
        pairs = self.user * self.items + self.item
        said = standing_words(pairs, self.weight, self.weight == REMOVE, self.time)
        kept = said.ratings > 0
        pair = said.pairs[kept]
        return pair // self.items, pair % self.items, said.ratings[kept], said.touches[kept]
