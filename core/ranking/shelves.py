"""Shelves: the items that share a label, each with its share of what the shelf sells."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from operator import is_not

import numpy as np

from core.ranking.columns import NOBODY, NOTHING, Columns, Ints
from core.ranking.ranked import Ordered

Labels = Sequence[tuple[str, ...]]  # of each item: its categories and its brand
BRAND = "\x00"  # begins the label of a brand
MOST_ON_SHELVES = 5_000  # items in all: those beyond are too rare to lead a shelf
MOST_KNOWN = 4 * MOST_ON_SHELVES  # items whose labels are kept, also of those that are no longer popular
NO_ITEMS = np.zeros(0, np.int64)


def label_of_brand(brand: str) -> str:
    """Return the label of a brand, which no category is: it begins with a control character."""
    return f"{BRAND}{brand}"


def is_brand(label: str) -> bool:
    """Return whether the label is a brand's."""
    return label.startswith(BRAND)


def labels_of(categories: Sequence[str], brand: str | None) -> tuple[str, ...]:
    """Return the labels of an item: its categories and its brand."""
    return (*categories, label_of_brand(brand)) if brand else tuple(categories)


class ByLabel:
    """Which items have each label, of those that somebody asked about; it never changes, since answers may hold it.

    From one commit to the next hardly any labels change, and to sort thousands of items by them takes longer than an
    answer: so another one is made of it, by what differs.
    """

    def __init__(self, labels: Mapping[int, tuple[str, ...]] | None = None, items: Mapping[str, Ints] | None = None):
        self._labels, self._items = labels or {}, items or {}

    @staticmethod
    def of(labels: Labels) -> "ByLabel":
        """Return what all items have, by code."""
        return ByLabel().knowing(np.arange(len(labels)), labels)

    def items(self, label: str) -> Ints:
        """Return the codes of the items that have the label, in any order."""
        return self._items.get(label, NO_ITEMS)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def knowing(self, codes: Ints, labels: Labels) -> "ByLabel":
        """Return the same with what those items have now; this one where nothing differs."""
        items = codes.tolist()
        differs = list(map(is_not, map(self._labels.get, items), labels))
        if not any(differs):
            return self
        if len(self._labels) > MOST_KNOWN:
            return ByLabel().knowing(codes, labels)
        left, joined = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
        own = dict(self._labels)
        for code, names in compress(zip(items, labels, strict=True), differs):
            before = own.get(code, ())
            own[code] = names
            for name in set(before).difference(names):
                left[name].append(code)
            for name in set(names).difference(before):
                joined[name].append(code)
        by_label = dict(self._items)
        for name in left.keys() | joined.keys():
            kept = self.items(name)
            if name in left:
                kept = kept[~np.isin(kept, left[name])]
            by_label[name] = np.concatenate([kept, np.array(joined[name], np.int64)])
        return ByLabel(own, by_label)


class Shelves(Mapping[str, Columns]):
    """Each label's items with their shares of its scores, which add up to 1; made when somebody asks for the label.

    A user likes a few labels of hundreds.
    """

    def __init__(self, items: Columns, by_label: ByLabel) -> None:
        """Put the items on shelves. Args: items: scores > 0; their sums are exact where these are decayed counts."""
        self._items, self._by_label = items, by_label
        self._made: dict[str, Columns] = {}
        self._places = np.zeros(int(items.codes.max(initial=NOBODY)) + 1, np.int64)  # by code, from 1; 0: not here
        self._places[items.codes] = np.arange(1, len(items.codes) + 1)

    def __getitem__(self, label: str) -> Columns:
        shelf = self._shelf(label)
        if not len(shelf.codes):
            raise KeyError(label)
        return shelf

    def _shelf(self, label: str) -> Columns:
        """Return the label's items, the first ones first; none where no item here has it."""
        shelf = self._made.get(label)
        if shelf is None:
            codes = self._by_label.items(label)
            places = self._places[codes[codes < len(self._places)]]
            own = np.sort(places[places > 0]) - 1
            scores = self._items.scores[own]
            shelf = self._made[label] = Columns(self._items.codes[own], scores / scores.sum())
        return shelf

    def __contains__(self, label: object) -> bool:
        return isinstance(label, str) and len(self._shelf(label).codes) > 0

    def __iter__(self) -> Iterator[str]:
        return (label for label in self._by_label if label in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def most_popular(ranked: Ordered | None) -> Columns:
    """Return the items that are put on shelves; none where nothing is popular."""
    return NOTHING if ranked is None else ranked.first(MOST_ON_SHELVES)
