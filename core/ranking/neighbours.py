"""One item's co-ratings in columns, and the nearest of them."""

from collections.abc import Sequence

import numpy as np

from core.ranking.columns import NOBODY, Ints


class Neighbours:
    """``codes`` of the other items, each once, and ``amounts``: co-ratings in thousandths. Never changes.

    The cut of the nearest is computed once: rows are kept in memory and read by many answers. ``places``: of each code
    among all names in order, where somebody knows it: then the cut need not compare names.
    """

    def __init__(self, codes: Ints, amounts: Ints, places: Ints | None = None) -> None:
        self.codes, self.amounts, self._places = codes, amounts, places
        self._cuts: dict[int, Neighbours] = {}

    def nearest(self, most: int, names: Sequence[bytes], also: int = NOBODY) -> "Neighbours":
        """Return the ``most`` of the greatest co-ratings, of equal ones those of the greatest names, and ``also``."""
        if len(self.codes) <= most:
            return self
        cut = self._cuts.get(most)
        if cut is None:
            cut = self._cuts[most] = self._cut(most, names)
        if also == NOBODY or (cut.codes == also).any() or not (at := np.flatnonzero(self.codes == also)).size:
            return cut
        return Neighbours(np.append(cut.codes, also), np.append(cut.amounts, self.amounts[at[0]]))

    def amount(self, code: int) -> int:
        """Return the co-rating with that item, 0 without one."""
        at = np.flatnonzero(self.codes == code)
        return int(self.amounts[at[0]]) if len(at) else 0

    def _cut(self, most: int, names: Sequence[bytes]) -> "Neighbours":
        least = np.partition(self.amounts, len(self.amounts) - most)[len(self.amounts) - most]
        above, equal = np.flatnonzero(self.amounts > least), np.flatnonzero(self.amounts == least)
        if self._places is not None:
            falling = equal[np.argsort(-self._places[self.codes[equal]])]
        else:
            named = zip(self.codes[equal].tolist(), equal.tolist(), strict=True)
            by_name = sorted(named, key=lambda row: names[row[0]])[::-1]
            falling = np.array([place for _, place in by_name], np.int64)
        kept = np.concatenate([above, falling[: most - len(above)]])
        return Neighbours(self.codes[kept], self.amounts[kept], self._places)


NOBODY_NEAR = Neighbours(np.zeros(0, np.int64), np.zeros(0, np.int64))
