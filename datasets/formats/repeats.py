"""Finds event ids that repeat for one user: all but the first of such events will be duplicates."""

from collections import OrderedDict

from datasets.files.tally import Tally
from datasets.mapping.by_columns import Made

REMEMBERED = 200_000  # pairs of user and id; the lines of one order are close together
OTHER_ITEMS = "event id repeats for one user with another item: a duplicate later"
SAME_ITEM = "event id repeats for one user: a duplicate later"


class RepeatedIds:
    """Notes every repetition among the last ``REMEMBERED`` pairs of user and event id."""

    def __init__(self, tally: Tally, remembered: int = REMEMBERED) -> None:
        self._tally, self._remembered = tally, remembered
        self._items: OrderedDict[tuple[str, str], str] = OrderedDict()

    def look(self, made: Made) -> None:
        """Note the events whose ids are repetitions."""
        for key, item in zip(zip(made.users, made.ids, strict=True), made.items, strict=True):
            first = self._items.get(key)
            if first is not None:
                self._tally.note(SAME_ITEM if first == item else OTHER_ITEMS, key[1])
            else:
                self._items[key] = item
            self._items.move_to_end(key)
            if len(self._items) > self._remembered:
                self._items.popitem(last=False)
