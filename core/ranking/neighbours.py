"""One item's co-ratings in columns, and the nearest of them."""

import numpy as np

from core.ranking.columns import NOBODY, Ints, cut


class Neighbours:
    """``codes`` of the other items, each once, ascending by name, and ``amounts``: co-ratings in thousandths.

    Never changes. The cut of the nearest is computed once.
    """

    def __init__(self, codes: Ints, amounts: Ints) -> None:
        self.codes, self.amounts = codes, amounts
        self._cuts: dict[int, Neighbours] = {}

    def nearest(self, most: int, also: int = NOBODY) -> "Neighbours":
        """Return the ``most`` of the greatest co-ratings, of equal ones those of the greatest names, and ``also``."""
        if len(self.codes) <= most:
            return self
        cut = self._cuts.get(most)
        if cut is None:
            cut = self._cuts[most] = self._cut(most)
        if also == NOBODY or (cut.codes == also).any() or not (at := np.flatnonzero(self.codes == also)).size:
            return cut
        return Neighbours(np.append(cut.codes, also), np.append(cut.amounts, self.amounts[at[0]]))

    def amount(self, code: int) -> int:
        """Return the co-rating with that item, 0 without one."""
        at = np.flatnonzero(self.codes == code)
        return int(self.amounts[at[0]]) if len(at) else 0

    def _cut(self, most: int) -> "Neighbours":
        places = cut(self.amounts, most)
        return Neighbours(self.codes[places], self.amounts[places])


NOBODY_NEAR = Neighbours(np.zeros(0, np.int64), np.zeros(0, np.int64))
