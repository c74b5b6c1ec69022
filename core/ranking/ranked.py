"""Lists in order: by score descending, then by the item's name, sorted only as far as they are read."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from core.codes.item_index import ItemIndex
from core.ranking.columns import NOBODY, NOTHING, Columns, Floats, Ints
from core.ranking.decay import in_counts
from core.ranking.kernels import READABLE, Kernels
from core.ranking.scores import PRIOR, WindowCounts, rising, smoothed_change

TREND, POPULAR = "trend", "popular"  # why an item is listed
FIRST_READ = 16  # most readers want a page of ten, and some are hidden
GROWTH = 8
LEAST_SORTED = 512  # at once: readers of one list ask for somewhat different numbers
MOST_MOVED = 64  # scores that change from one list to the next and leave its head sorted


def in_order(scored: Columns, index: ItemIndex, kernels: Kernels, rounded: bool = True) -> Iterator[tuple[int, float]]:
    """Yield (code, score). ``rounded``: scores that agree to 12 decimals count as equal."""
    done, wanted = 0, FIRST_READ
    while done < len(scored.codes):
        places = kernels.first(scored, wanted, index.text, rounded)[done:]
        yield from zip(scored.codes[places].tolist(), scored.scores[places].tolist(), strict=True)
        done, wanted = wanted, wanted * GROWTH


@dataclass(frozen=True)
class Trend:
    """One trending item: counts and factors are unitless; ``expected`` and ``growth`` are None in a popularity list."""

    item: bytes
    score: float
    count: int
    expected: float | None
    growth: float | None
    change: float

    @property
    def basis(self) -> str:
        """Why it is listed: it rises (``trend``), or it is frequent (``popular``)."""
        return POPULAR if self.expected is None else TREND


class Ordered:
    """Items by score. What was sorted for one reader is there for the next; threads may share it.

    A list that begins with the head of an earlier one may never need its scores, so they may be made when asked for.
    """

    def __init__(self, index: ItemIndex, scored: Columns | Callable[[], Columns], kernels: Kernels) -> None:
        self.index, self.kernels = index, kernels
        self._scored, self._head = scored, NOTHING
        self._by_code: dict[object, Floats] = {}

    @property
    def scored(self) -> Columns:
        """All items with their scores."""
        scored = self._scored
        if not isinstance(scored, Columns):
            scored = self._scored = scored()
        return scored

    def first(self, wanted: int) -> Columns:
        """Return the first ``wanted`` items, in order."""
        head = self._head
        if len(head.codes) < wanted and len(head.codes) < len(self.scored.codes):
            sorted_at_once = max(LEAST_SORTED, 1 << (wanted - 1).bit_length())
            places = self.kernels.first(self.scored, sorted_at_once, self.index.text, False)
            head = self._head = Columns(self.scored.codes[places], self.scored.scores[places])
        return Columns(head.codes[:wanted], head.scores[:wanted])

    def begin_with(self, before: "Ordered", changed: Columns) -> None:
        """Take over what is sorted of an earlier list of the same index.

        Args: changed: every item whose score differs, with its score here; 0: it is not listed.
        """
        head = before._head
        if len(head.codes) and len(changed.codes) <= MOST_MOVED:
            moved = self.kernels.moved(head, changed, self.index.text)
            most = max(len(head.codes), 4 * LEAST_SORTED)
            self._head = Columns(moved.codes[:most], moved.scores[:most])

    def by_code(self, of_scores: Callable[[Floats], Floats]) -> Floats:
        """Return ``of_scores`` of the listed items at their codes, 0 at others; made once for each such function."""
        column = self._by_code.get(of_scores)
        if column is None:
            scored = self.scored
            column = np.zeros(int(scored.codes.max(initial=NOBODY)) + 1)
            column[scored.codes] = of_scores(scored.scores)
            self._by_code[of_scores] = column
        return column

    def score(self, code: int) -> float | None:
        """Return the item's score; None when it is not in the list."""
        at = np.flatnonzero(self.scored.codes == code)
        return float(self.scored.scores[at[0]]) if len(at) else None


class Ranked(Ordered):
    """Items of a table of counts by score.

    ``ratio``: R; None in a popularity list.
    """

    def __init__(self, counts: WindowCounts, scored: Columns, ratio: float | None, kernels: Kernels) -> None:
        super().__init__(counts.index, scored, kernels)
        self.counts, self.ratio = counts, ratio

    def __iter__(self) -> Iterator[Trend]:
        done, wanted = 0, FIRST_READ
        while done < len(self.scored.codes):
            head = self.first(wanted)
            for code, score in zip(head.codes[done:].tolist(), head.scores[done:].tolist(), strict=True):
                yield self._trend(code, score)
            done, wanted = wanted, wanted * GROWTH

    def _trend(self, code: int, score: float) -> Trend:
        counts = self.counts
        c, before = int(counts.window[code]), int(counts.before[code])
        expected = None if self.ratio is None else int(counts.baseline[code]) / self.ratio
        growth = None if expected is None else math.log((c + PRIOR) / (expected + PRIOR))
        return Trend(counts.index.names[code], score, c, expected, growth, smoothed_change(c, before))


def trends(counts: WindowCounts, kernels: Kernels = READABLE) -> Ranked:
    """Return the items that grow. Needs R > 0."""
    return Ranked(counts, Columns(*rising(counts)), counts.ratio, kernels)


def popular(counts: WindowCounts, kernels: Kernels = READABLE) -> Ranked:
    """Return the items by their count in the window: the list while there is no full baseline."""
    present = np.flatnonzero(counts.window >= 1)
    return Ranked(counts, Columns(present, counts.window[present].astype(np.float64)), None, kernels)


def by_units(units: Ints, index: ItemIndex, kernels: Kernels = READABLE) -> Ordered:
    """Return the items by their decayed count, given in units at each item's code."""

    def scored() -> Columns:
        present = np.flatnonzero(units > 0)
        return Columns(present, in_counts(units[present]))

    return Ordered(index, scored, kernels)


def by_newness(first: Ints, hours: range, index: ItemIndex, kernels: Kernels = READABLE) -> Ordered:
    """Return the items that were first counted in those buckets, the newest first, scored above 0 to 1.

    Args: first: at each code the first bucket (hours since the epoch) in which it was counted.
    """
    new = np.flatnonzero((first >= hours.start) & (first < hours.stop))
    return Ordered(index, Columns(new, (first[new] - hours.start + 1) / len(hours)), kernels)
