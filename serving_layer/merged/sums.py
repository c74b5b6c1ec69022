"""The merged sums of a snapshot as recommenders read them."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core.codes.item_index import ItemIndex
from core.codes.sums_columns import Amounts
from core.ranking import scores
from core.ranking.columns import NOBODY
from core.ranking.kernels import Kernels
from core.ranking.neighbours import NOBODY_NEAR, Neighbours
from core.ranking.ranked import Ordered, Ranked
from core.ranking.scores import Window
from core.ranking.shelves import Labels, Shelves
from core.rows.views import NORMS, PAIRS, SEEN
from recommenders.port import NOTHING_RATED, Ints, Rated
from schemas.catalogue import Item
from serving_layer.memory.norms import Norms
from serving_layer.memory.row import NOT_DECODED
from serving_layer.merged.catalogue import records_of
from serving_layer.merged.count_cache import once_a_commit
from serving_layer.merged.counts import decayed, trends, window_counts
from serving_layer.merged.newcomers import described_last, newcomers
from serving_layer.merged.shelves import labels, shelves_of
from serving_layer.reading import decoding
from serving_layer.reading.snapshot import Snapshot

NO_SUMS = np.zeros(0, np.int64), np.zeros(0, np.int64)

T = TypeVar("T")


@dataclass(frozen=True)
class MergedSums:
    """``recommenders.port.Sums`` over both views."""

    snapshot: Snapshot

    @property
    def shrinkage(self) -> float:
        return self.snapshot.views.shrinkage

    @property
    def index(self) -> ItemIndex:
        return self.snapshot.index

    @property
    def kernels(self) -> Kernels:
        return self.snapshot.views.kernels

    def nearest(self, items: Ints, most: int, also: int = NOBODY) -> Sequence[Neighbours]:
        names = list(map(self.index.names.__getitem__, items.tolist()))
        if also != NOBODY:
            return [(row or NOBODY_NEAR).nearest(most, also) for row in neighbours(self.snapshot, names)]
        return [row or NOBODY_NEAR for row in _nearest(self.snapshot, names, most)]

    def norms(self, items: Ints) -> Ints:
        moment = self.snapshot.moment
        norms = once_a_commit(self.snapshot, "norms", Norms) if moment is None else moment.norms
        return norms.of(items, self._read_norms)

    def decayed(self, half_life_hours: float) -> Ordered | None:
        return decayed(self.snapshot, half_life_hours)

    def labels(self, items: Ints) -> Labels:
        return labels(self.snapshot, items)

    def shelves(self, half_life_hours: float) -> Shelves:
        return shelves_of(self.snapshot, half_life_hours)

    def records(self, items: Ints) -> Sequence[Item | None]:
        return records_of(self.snapshot, [self.index.names[code] for code in items.tolist()])

    def described_last(self) -> Sequence[Item]:
        return described_last(self.snapshot)

    def newcomers(self, hours: int) -> Ordered | None:
        return newcomers(self.snapshot, hours)

    def rising(self, hours: int) -> Ranked | None:
        window, oldest = self._window(hours), self.snapshot.facts.oldest_bucket
        if window is None or not scores.has_trend(window_counts(self.snapshot, window), window, oldest):
            return None
        return trends(self.snapshot, window)

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        return once_a_commit(self.snapshot, (self.snapshot.facts.as_of, what), make)

    def _read_norms(self, codes: Ints) -> tuple[list[int], bool]:
        """Return them, and whether other answers may use them: rows read in this answer must be confirmed first."""
        names = self.index.names
        rows = self.snapshot.decoded(NORMS, [names[code] for code in codes.tolist()], decoding.norm)
        return [row or 0 for row in rows], not self.snapshot.course.rows

    def _window(self, hours: int) -> Window | None:
        as_of = self.snapshot.facts.as_of
        return None if as_of is None else Window.ending(as_of, hours)


def neighbours(snapshot: Snapshot, items: Sequence[bytes]) -> list[Neighbours | None]:
    """Return the co-ratings of each item, None for an item without any."""
    index, kernels = snapshot.index, snapshot.views.kernels

    def decode(parts: list[bytes]) -> Neighbours:
        return Neighbours(*kernels.summed_parts(parts, index))

    return snapshot.decoded(PAIRS, items, decode)


def _nearest(snapshot: Snapshot, items: Sequence[bytes], most: int) -> list[Neighbours | None]:
    """Return the nearest of each item's co-ratings; memory keeps them without the others, which may be thousands.

    Of a row that commits change, memory also keeps the others, so that a later version adds its changes to them.
    """
    rows, name = snapshot.rows(PAIRS, items), ("nearest", most)
    nearest = {item: row.remembered(name) for item, row in rows.items()}
    due = [item for item, near in nearest.items() if near is NOT_DECODED]  # few are
    given = [rows[item].begun or (NO_SUMS, rows[item].parts) for item in due]
    for item, (sums, near) in zip(due, _nearest_rows(snapshot, given, most), strict=True):
        nearest[item] = rows[item].decoded(lambda _, near=near: Neighbours(*near), name)  # type: ignore[misc]
        if rows[item].changes:
            rows[item].begun = sums, ()
    return [nearest[item] for item in items]


def _nearest_rows(
    snapshot: Snapshot, rows: Sequence[tuple[Amounts, Sequence[bytes]]], most: int
) -> list[tuple[Amounts, Amounts]]:
    return snapshot.views.kernels.nearest_rows(rows, most, snapshot.index) if rows else []


def standing_of(snapshot: Snapshot, user: bytes) -> Rated:
    """Return the items that the user rated and did not retract since, over the whole log (rule 7)."""
    index, kernels = snapshot.index, snapshot.views.kernels

    def decode(parts: list[bytes]) -> Rated:
        return Rated(*kernels.standing_parts(parts, index))

    (rated,) = snapshot.decoded(SEEN, [user], decode)
    return NOTHING_RATED if rated is None else rated
