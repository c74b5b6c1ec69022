"""How far a generation is from the one before: sizes, and which neighbours and popular items stayed."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from adapters.records.books import generation_book
from adapters.stores.port import ViewStore
from core.codes.item_index import ItemIndex
from core.ranking import scores
from core.ranking.columns import Columns
from core.ranking.kernels import READABLE
from core.ranking.ranked import in_order
from core.rows.codec import unpack_norm, unpack_sums
from core.rows.views import NORMS, PAIRS

NEIGHBOURS = 10


def drift(views: ViewStore, before: str, after: str, probes: Sequence[bytes]) -> dict[str, Any]:
    """Return the average share of the probes' ten nearest items that stayed among them; None if no probe had any."""
    old, new = (nearest(views, generation, probes) for generation in (before, after))
    kept = [len(old[item] & new.get(item, set())) / len(old[item]) for item in old]
    return {"against": before, "neighbours_kept": round(float(np.mean(kept)), 4) if kept else None}


def nearest(views: ViewStore, generation: str, items: Sequence[bytes]) -> dict[bytes, set[bytes]]:
    """Return the most similar items of each item that has any."""
    book = generation_book(generation)
    rows = {item: unpack_sums(row) for item, row in views.read(book, PAIRS, list(items)).items()}
    names = sorted({*rows, *(name for row in rows.values() for name in row)})
    norms = {name: unpack_norm(row) for name, row in views.read(book, NORMS, names).items()}
    out = {}
    for item, row in rows.items():
        amounts, others = np.array(list(row.values())), np.array([norms.get(name, 0) for name in row])
        score, index = scores.similarity(amounts, norms.get(item, 0), others), ItemIndex(row)
        places = np.flatnonzero(score > 0)
        best = islice(in_order(Columns(places, score[places]), index, READABLE), NEIGHBOURS)
        if near := {index.names[code] for code, _ in best}:
            out[item] = near
    return out


def ratios(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, float]:
    """Return each view's rows after, divided by its rows before."""
    return {view: round(after.get(view, 0) / rows, 4) for view, rows in before.items() if rows}


def kept(before: Sequence[str], after: Sequence[str]) -> float | None:
    """Return the share of a list that is still there; None for an empty one."""
    return round(len(set(before) & set(after)) / len(set(before)), 4) if before else None
