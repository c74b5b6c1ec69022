"""Which of two twins computes: the readable one or the compiled one. Their answers are the same, bit for bit.

Importing the compiled twin takes longer than a whole lookup, so only processes that answer many questions do.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.codes.item_index import ItemIndex, Text
from core.codes.sums_columns import Amounts, Standing
from core.ranking import readable
from core.ranking.columns import NOBODY, Columns, Floats, Floats32, Ints, Stacked
from core.ranking.features import Features
from core.ranking.related import Related, Rows


class Kernels(Protocol):
    """The functions of ``columns``, ``features`` and ``core.codes.sums_columns``, whose docstrings hold here too."""

    def summed_parts(self, parts: Sequence[bytes], index: ItemIndex) -> Amounts: ...

    def standing_parts(self, parts: Sequence[bytes], index: ItemIndex) -> Standing: ...

    def related(self, rows: Rows, shrinkage: float) -> Related: ...

    def summed(self, known: Related, weights: Floats) -> Columns: ...

    def contributions(self, known: Related, weights: Floats, codes: Ints) -> tuple[Ints, Ints, Floats]: ...

    def shares(self, stacked: Stacked, weights: Floats, excluded: Ints, also: int = NOBODY) -> Floats: ...

    def totals(self, codes: Ints, shares: Floats) -> Columns: ...

    def first(self, scored: Columns, wanted: int, text: Text, rounded: bool) -> Ints: ...

    def moved(self, head: Columns, changed: Columns, text: Text) -> Columns: ...

    def features(self, stacked: Stacked, excluded: Ints, also: int = NOBODY) -> Features: ...

    def weighed(self, known: Features, weights: Floats) -> Floats: ...

    def strongest(
        self, known: Features, asked: Ints, weights: Floats, scores: Floats, source_of: Ints, sources: int
    ) -> Ints: ...

    def added_rows(
        self, starts: Ints, targets: NDArray[np.int32], values: Floats32, rows: Ints, scales: Floats, size: int
    ) -> Columns: ...

    def column_of(
        self, starts: Ints, targets: NDArray[np.int32], values: Floats32, rows: Ints, target: int
    ) -> Floats: ...

    def nearest_rows(
        self, rows: Sequence[tuple[Amounts, Sequence[bytes]]], most: int, index: ItemIndex
    ) -> list[tuple[Amounts, Amounts]]: ...

    def predicted(self, factors: Floats32, rows: Ints, vector: Floats) -> Floats: ...


READABLE: Kernels = readable


def compiled() -> Kernels:
    """Return the compiled twin, ready to compute; the first call imports the compiler."""
    from core.ranking import column_kernel

    column_kernel.load()
    return column_kernel
