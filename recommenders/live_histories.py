"""Histories and standing items of users who are lived through event by event: contract §3 over codes, readable."""

from dataclasses import dataclass, field

import numpy as np

from core.quality.ranking_quality import Interactions
from core.rows.words import joined, minute_of, pack_touches
from recommenders.cohort import Folded
from schemas.event import REMOVE
from schemas.rules import Rules

Entries = dict[int, tuple[int, int]]  # item -> rating, last time; least recently touched first
Standing = dict[int, tuple[int, int]]  # item -> rating, packed touches


@dataclass
class LiveHistories:
    """What each user touched; no event counts as a duplicate here. Ratings are thousandths."""

    rules: Rules
    _entries: dict[int, Entries] = field(default_factory=dict)
    _standing: dict[int, Standing] = field(default_factory=dict)

    @staticmethod
    def of(fold: Folded, events: Interactions, rules: Rules) -> "LiveHistories":
        """Return the histories that the fold left, and what stands of those events."""
        histories = LiveHistories(rules)
        columns = (fold.user, fold.item, fold.rating, fold.time)
        for user, item, rating, time in zip(*(np.asarray(c).tolist() for c in columns), strict=True):
            histories._entries.setdefault(user, {})[item] = (rating, time)
        for user, item, rating, touches in zip(*(column.tolist() for column in events.standing_words()), strict=True):
            histories._standing.setdefault(user, {})[item] = (rating, touches)
        return histories

    def entries(self, user: int) -> Entries:
        """Return the user's last items."""
        return self._entries.get(user, {})

    def standing(self, user: int) -> Standing:
        """Return what stands of the user."""
        return self._standing.get(user, {})

    def take(self, user: int, item: int, weight: int, time: int) -> tuple[int, list[tuple[int, int]]]:
        """Fold one event; return what it adds to the item's norm, and to its co-rating with other items."""
        oldest = time - self.rules.window_ms
        entries = {code: entry for code, entry in self._entries.get(user, {}).items() if entry[1] >= oldest}
        self._entries[user] = entries
        standing = self._standing.setdefault(user, {})
        old, last = entries.pop(item, (0, time))
        if weight == REMOVE:
            standing.pop(item, None)
            return -old, [(other, -min(old, rating)) for other, (rating, _) in entries.items() if old]
        rating, touches = standing.get(item, (0, 0))
        standing[item] = max(rating, weight), joined(touches, pack_touches(1, minute_of(time), minute_of(time)))
        new = max(old, weight)
        pairs = [(other, min(new, rating) - min(old, rating)) for other, (rating, _) in entries.items()]
        entries[item] = (new, max(last, time))
        if len(entries) > self.rules.history_items:
            del entries[next(iter(entries))]
        return new - old, [(other, amount) for other, amount in pairs if amount]
