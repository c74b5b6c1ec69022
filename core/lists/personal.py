"""A user's own lists of items, each item with how much it counts, and changes of them."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

MOST_LISTS = 50  # of one user
MOST_ITEMS = 500  # of one list
LEAST_WEIGHT, MOST_WEIGHT = 0.001, 1_000.0  # of an item


@dataclass(frozen=True)
class PersonalList:
    """``items``: weight by item, in the order in which they were added. Times are epoch ms."""

    items: Mapping[str, float] = field(default_factory=dict)
    made_at: int = 0
    changed_at: int = 0


Lists = Mapping[str, PersonalList]


@dataclass(frozen=True)
class Change:
    """``items``: all of them, if given. ``add`` replaces entries of the same item. ``remove`` comes last."""

    items: Mapping[str, float] | None = None
    add: Mapping[str, float] = field(default_factory=dict)
    remove: Collection[str] = ()

    def of(self, before: PersonalList, now: int) -> PersonalList:
        """Return the changed list."""
        kept = dict(before.items if self.items is None else self.items) | dict(self.add)
        items = {item: weight for item, weight in kept.items() if item not in self.remove}
        return replace(before, items=items, changed_at=now)


def wrong(lists: Lists) -> str | None:
    """Return why a user cannot have those lists, as a sentence with the remedy; None where nothing is wrong."""
    if len(lists) > MOST_LISTS:
        return f"a user has at most {MOST_LISTS} lists: delete one first"
    for name, own in lists.items():
        if len(own.items) > MOST_ITEMS:
            return f"list {name!r} would have {len(own.items):,} items: a list has at most {MOST_ITEMS}"
    return None


def packed(lists: Lists) -> bytes:
    """Return the row that stores a user's lists."""
    return json.dumps({name: vars(own) for name, own in lists.items()}, ensure_ascii=False).encode()


def unpacked(row: bytes | None) -> dict[str, PersonalList]:
    """Return the lists of a row; none without one."""
    return {name: PersonalList(**members) for name, members in json.loads(row or b"{}").items()}
