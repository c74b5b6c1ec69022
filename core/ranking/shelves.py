"""Shelves: the items that share a label, each with its share of what the shelf sells."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.ranking.columns import Columns

Labels = Sequence[tuple[str, ...]]  # of each item: its categories and its brand
Shelves = Mapping[str, Columns]
BRAND = "\x00"  # begins the label of a brand
MOST_ON_SHELVES = 5_000  # items in all: those beyond are too rare to lead a shelf


def label_of_brand(brand: str) -> str:
    """Return the label of a brand, which no category is: it begins with a control character."""
    return f"{BRAND}{brand}"


def is_brand(label: str) -> bool:
    """Return whether the label is a brand's."""
    return label.startswith(BRAND)


def labels_of(categories: Sequence[str], brand: str | None) -> tuple[str, ...]:
    """Return the labels of an item: its categories and its brand."""
    return (*categories, label_of_brand(brand)) if brand else tuple(categories)


def shelves(items: Columns, labels: Labels) -> Shelves:
    """Return each label's items with their shares of its scores, which add up to 1.

    Args: items: scores > 0; their sums are exact where these are decayed counts.      labels: of each item.
    """
    places: dict[str, list[int]] = {}
    for place, names in enumerate(labels):
        for name in dict.fromkeys(names):
            places.setdefault(name, []).append(place)
    out = dict[str, Columns]()
    for name, own in places.items():
        scores = items.scores[np.array(own)]
        out[name] = Columns(items.codes[np.array(own)], scores / scores.sum())
    return out
