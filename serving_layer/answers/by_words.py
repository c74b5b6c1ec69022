"""What is like an item by its words."""

from typing import Any

import numpy as np

from core.ranking.columns import NOTHING, Columns
from core.ranking.ranked import in_order
from serving_layer.answers import lookups
from serving_layer.merged.catalogue import Page, listed, require_known
from serving_layer.merged.contents import words_of
from serving_layer.merged.sums import MergedSums
from serving_layer.reading.snapshot import Snapshot

BEHAVIOUR, WORDS = "behaviour", "words"
BY = (BEHAVIOUR, WORDS)
NO_TEXT = "no record of this item with words that others have too is known, so this is what goes with it by behaviour"


def similar(snapshot: Snapshot, item: bytes, page: Page, by: str) -> dict[str, Any]:
    """Return what is similar to the item by what users do, or by its words."""
    return lookups.similar(snapshot, item, page) if by == BEHAVIOUR else _by_words(snapshot, item, page)


def _by_words(snapshot: Snapshot, item: bytes, page: Page) -> dict[str, Any]:
    require_known(snapshot, item)
    sums, code, near = MergedSums(snapshot), snapshot.index.code(item), NOTHING
    if (words := words_of(snapshot)) is not None:
        (own,) = words.scorer.vectors_of(sums, np.array([code]))
        if not words.scorer.says(own):
            return lookups.similar(snapshot, item, page) | {"by": BEHAVIOUR, "missing": NO_TEXT}
        near = words.scorer.near(sums, own)
    page.checked(WORDS, item)
    others, names = near.codes != code, snapshot.index.names
    ranking = in_order(Columns(near.codes[others], near.scores[others]), snapshot.index, sums.kernels)
    rows = listed(snapshot, ((names[other], score) for other, score in ranking), page)
    return {
        "item_id": item.decode(),
        "by": WORDS,
        "model": words.model if words else None,
        **snapshot.header(),
        "exact": True,
        "items": [{"item_id": name.decode(), "score": score, **about.shown()} for name, score, about in rows],
        "next_cursor": page.next_cursor((name for name, _, _ in rows), WORDS, item),
    }
