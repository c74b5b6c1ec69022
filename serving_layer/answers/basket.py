"""What a visitor holds or looks at now, as the history that these events would make: nothing is recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.rows.codec import History, HistoryEntry
from recommenders.port import Rated
from schemas.event import REMOVE
from serving_layer.merged.catalogue import describe
from serving_layer.reading.snapshot import Snapshot


@dataclass(frozen=True)
class Touch:
    """An item with the weight of what was done to it, in thousandths; ``REMOVE`` retracts it."""

    item: bytes
    weight: int


@dataclass(frozen=True)
class Basket:
    """What was touched, in this order, and the most items that a history keeps."""

    touches: Sequence[Touch] = ()
    history_items: int = 20


@dataclass(frozen=True)
class Taste:
    """Whose list it is: a history, all that stands of it, and items of the basket that nobody knows."""

    history: History
    standing: Rated
    unknown: tuple[bytes, ...] = ()


def tasted(snapshot: Snapshot, history: History, standing: Rated, basket: Basket) -> Taste:
    """Return what the basket makes of a history, by the fold's own rules; items that nobody knows change nothing."""
    if not basket.touches:
        return Taste(history, standing)
    about = describe(snapshot, list(dict.fromkeys(touch.item for touch in basket.touches)))
    known = [touch for touch in basket.touches if about[touch.item].known]
    entries = {entry.item: (entry.rating, entry.last_time) for entry in history.entries}
    now, index = snapshot.facts.as_of or 0, snapshot.index
    ratings = dict(zip(standing.codes.tolist(), standing.ratings.tolist(), strict=True))
    for touch in known:
        code = index.code(touch.item)
        if touch.weight == REMOVE:
            entries.pop(touch.item, None)
            ratings.pop(code, None)
        elif touch.weight:
            rating, last = entries.pop(touch.item, (0, now))
            entries[touch.item] = max(rating, touch.weight), max(last, now)
            ratings[code] = max(ratings.get(code, 0), touch.weight)
            if len(entries) > basket.history_items:
                del entries[next(iter(entries))]
    kept = tuple(HistoryEntry(item, rating, last) for item, (rating, last) in entries.items())
    unknown = tuple(item for item, described in about.items() if not described.known)
    return Taste(History(kept, history.ids), _rated(ratings), unknown)


def _rated(ratings: Mapping[int, int]) -> Rated:
    return Rated(np.array([*ratings], np.int64), np.array([*ratings.values()], np.int64))
