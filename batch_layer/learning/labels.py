"""What items are labelled with where rankings are judged: the categories and brands that serving would know."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.events.catalogue import categories_of
from core.quality.ranking_quality import Ints
from core.ranking.shelves import Labels, labels_of
from recommenders.port import Pictured
from schemas.catalogue import Item

Matrix = NDArray[np.float32]
Records = Mapping[bytes, Item]  # the catalogue's, by item
NO_RECORDS: Records = {}


def item_labels(ordered: pa.Table, item: Ints, names: Sequence[bytes], records: Records = NO_RECORDS) -> Labels:
    """Return the labels of each item: those of its record, else the category that its newest event with one names.

    Args: ordered: the events in order of time.      item: the code of each event's item.      names: of the items.
    """
    labels = list[tuple[str, ...]]()
    for name, category in zip(names, _newest_categories(ordered, item, len(names)), strict=True):
        record = records.get(name)
        labels.append(labels_of(categories_of(record, category), record.brand if record else None))
    return labels


def item_pictures(names: Sequence[bytes], pictured: Pictured | None) -> Matrix | None:
    """Return a vector of each item's picture, zeros for an item without one; None where there are no pictures."""
    if pictured is None:
        return None
    out = np.zeros((len(names), pictured.vectors.shape[1]), np.float32)
    places = {name: place for place, name in enumerate(pictured.items)}
    having = [code for code, name in enumerate(names) if name in places]
    out[having] = pictured.vectors[[places[names[code]] for code in having]]
    return out


def _newest_categories(ordered: pa.Table, item: Ints, items: int) -> list[str]:
    """Return the category of each item, empty where no event names one."""
    category = ordered.column("category").fill_null("")
    named = np.flatnonzero(pc.not_equal(category, "").to_numpy())
    newest = np.full(items, -1)
    newest[item[named]] = named  # of an item named twice, the later event counts
    rows = pa.array(newest, mask=newest < 0)
    categories: list[str] = category.take(rows).fill_null("").to_pylist()
    return categories
