"""Packed sums as columns of codes and amounts, written to be read: the slow twin of ``sums_columns_kernel``."""

from collections.abc import Sequence

import numpy as np

from core.codes.item_index import Ints, ItemIndex
from core.rows.merging import added, overlaid

Amounts = tuple[Ints, Ints]  # codes, each once, ascending by name, and their amounts


def summed_parts(parts: Sequence[bytes], index: ItemIndex) -> Amounts:
    """Return packed sums added name by name; what becomes 0 is left out. New names get codes."""
    rows = sorted(added(parts).items())
    return index.codes(name for name, _ in rows), np.array([amount for _, amount in rows], np.int64)


def standing_parts(parts: Sequence[bytes], index: ItemIndex) -> Amounts:
    """Return packed words on items, the earlier part first, as ratings in thousandths; retracted items are left out."""
    rows = sorted((name, rating) for name, rating in overlaid(parts).items() if rating)
    return index.codes(name for name, _ in rows), np.array([rating for _, rating in rows], np.int64)
