"""Packed sums as columns of codes and amounts, written to be read: the slow twin of ``sums_columns_kernel``."""

from collections.abc import Sequence

import numpy as np

from core.rows.item_index import Ints, ItemIndex
from core.rows.merging import added, overlaid

Amounts = tuple[Ints, Ints]  # codes, each once, ascending by name, and their amounts


def summed_parts(parts: Sequence[bytes], index: ItemIndex) -> Amounts:
    """Return packed sums added name by name; what becomes 0 is left out. New names get codes."""
    rows = sorted(added(parts).items())
    return index.codes(name for name, _ in rows), np.array([amount for _, amount in rows], np.int64)


def present_in(parts: Sequence[bytes], index: ItemIndex) -> Ints:
    """Return the codes of the names whose last word, the later part's, is not 0; ascending by name."""
    return index.codes(sorted(name for name, word in overlaid(parts).items() if word))
