"""Which events a cold start holds back: those of items that become new, and of users of whom a few are known."""

from dataclasses import dataclass, replace

import numpy as np

from batch_layer.learning.splits import earlier
from core.quality.ranking_quality import Interactions, Ints, Judged, Mask

NEW_SHARE, MOST_NEW = 0.1, 500  # of the items, and at most: as many as serving takes from the catalogue at once
USER_SHARE = 0.2
FIRST = (0, 1, 2, 3, 5)  # events known of a new user; what comes after the last of them is judged
SEED = 42


@dataclass(frozen=True)
class Held:
    """The events that models may learn from, those that they are judged on, and whom and what is asked."""

    train: Interactions
    test: Interactions
    asked: Judged


def without_items(events: Interactions, most_users: int) -> Held:
    """Return the events without those of some items, and the users with other events who touched one of these."""
    rated = np.unique(events.item[events.weight > 0])
    new, size = np.zeros(events.items, np.bool_), min(MOST_NEW, round(NEW_SHARE * len(rated)))
    new[np.random.default_rng(SEED).permutation(rated)[:size]] = True
    train, test = events.only(~new[events.item]), events.only(new[events.item])
    user, item, _ = test.standing()
    known = np.isin(user, train.standing()[0])
    return Held(train, test, _judged(user[known], item[known], new, (user[:0], item[:0]), most_users))


def without_users(events: Interactions, most_users: int) -> Held:
    """Return the events of most users, those of the others, and what these touched that is new after the first few."""
    new = np.isin(
        events.user, np.random.default_rng(SEED).permutation(events.users)[: round(USER_SHARE * events.users)]
    )
    train, test = events.only(~new), events.only(new)
    candidates = np.zeros(events.items, np.bool_)
    candidates[train.item[train.weight > 0]] = True
    early = earlier(test.user) < FIRST[-1]
    first = np.unique(test.user[early] * events.items + test.item[early])
    user, item, _ = test.only(~early).standing()
    kept = candidates[item] & ~np.isin(user * events.items + item, first)
    seen = first // events.items, first % events.items
    return Held(train, test, _judged(user[kept], item[kept], candidates, seen, most_users))


def with_first(held: Held, first: int) -> Interactions:
    """Return the training events and the first few of each new user, in order of time."""
    train, own = held.train, held.test.only(earlier(held.test.user) < first)
    order = np.argsort(np.r_[train.time, own.time], kind="stable")
    return replace(
        train,
        user=np.r_[train.user, own.user][order],
        item=np.r_[train.item, own.item][order],
        weight=np.r_[train.weight, own.weight][order],
        time=np.r_[train.time, own.time][order],
    )


def _judged(user: Ints, item: Ints, candidates: Mask, seen: tuple[Ints, Ints], most: int) -> Judged:
    """Return what is asked of those pairs, ascending by user; a uniform sample of more than ``most`` users."""
    users = np.unique(user)
    if len(users) > most:
        users = np.sort(np.random.default_rng(SEED).choice(users, most, replace=False))
    starts, ends = np.searchsorted(user, users, "left"), np.searchsorted(user, users, "right")
    return Judged(users, [item[a:b] for a, b in zip(starts, ends, strict=True)], candidates, seen, 0.0)
