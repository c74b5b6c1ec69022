"""Packed sums as columns of codes and amounts, written to be read: the slow twin of ``sums_columns_kernel``."""

from collections.abc import Sequence

import numpy as np

from core.codes.item_index import Ints, ItemIndex
from core.rows.merging import added, overlaid
from core.rows.words import pack_touches

Amounts = tuple[Ints, Ints]  # codes, each once, ascending by name, and their amounts
Standing = tuple[Ints, Ints, Ints]  # codes likewise, ratings in thousandths and packed touches


def summed_parts(parts: Sequence[bytes], index: ItemIndex) -> Amounts:
    """Return packed sums added name by name; what becomes 0 is left out. New names get codes."""
    rows = sorted(added(parts).items())
    return index.codes(name for name, _ in rows), np.array([amount for _, amount in rows], np.int64)


def standing_parts(parts: Sequence[bytes], index: ItemIndex) -> Standing:
    """Return packed words on items, the earlier part first; retracted items are left out."""
    rows = sorted((name, seen) for name, seen in overlaid(parts).items() if seen.rating)
    ratings = np.array([seen.rating for _, seen in rows], np.int64)
    touches = np.array([pack_touches(*seen[1:]) for _, seen in rows], np.int64)
    return index.codes(name for name, _ in rows), ratings, touches
