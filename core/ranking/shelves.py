"""Shelves: the items that share a label, each with its share of what the shelf sells."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from core.ranking.columns import NOTHING, Columns, Ints
from core.ranking.ranked import Ordered

Labels = Sequence[tuple[str, ...]]  # of each item: its categories and its brand
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


class Shelves(Mapping[str, Columns]):
    """Each label's items with their shares of its scores, which add up to 1; made when somebody asks for the label.

    A user likes a few labels of hundreds.
    """

    def __init__(self, items: Columns, places: Mapping[str, list[int]]) -> None:
        self._items, self._places = items, places
        self._made: dict[str, Columns] = {}

    def __getitem__(self, label: str) -> Columns:
        shelf = self._made.get(label)
        if shelf is None:
            own = np.array(self._places[label])
            scores = self._items.scores[own]
            shelf = self._made[label] = Columns(self._items.codes[own], scores / scores.sum())
        return shelf

    def __contains__(self, label: object) -> bool:
        return label in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def of_popular(ranked: Ordered | None, labels: Callable[[Ints], Labels]) -> Shelves:
    """Return the most popular items by label; no shelf where nothing is popular."""
    head = NOTHING if ranked is None else ranked.first(MOST_ON_SHELVES)
    return shelves(head, labels(head.codes))


def shelves(items: Columns, labels: Labels) -> Shelves:
    """Return the items by label.

    Args: items: scores > 0; their sums are exact where these are decayed counts.      labels: of each item.
    """
    places: dict[str, list[int]] = {}
    for place, names in enumerate(labels):
        for name in dict.fromkeys(names):
            own = places.get(name)
            if own is None:
                places[name] = [place]
            else:
                own.append(place)
    return Shelves(items, places)
