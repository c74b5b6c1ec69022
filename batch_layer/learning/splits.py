"""How events are split for an evaluation: at one moment, or each user's at a place of its own."""

from dataclasses import dataclass

import numpy as np

from core.quality.ranking_quality import FIT_SHARE, TRAIN_SHARE, Interactions, Ints, Mask
from schemas.event import REMOVE

TIME, PER_USER, WALK = "time", "per-user", "walk"  # protocols; a walk is a time split whose later part is lived through
NCF = "ncf"  # that of He et al. 2017: each user's last event among drawn items; comparable with nothing else
COLD = "cold"  # new items and new users (``learning.cold``)
TAUGHT_SHARES = (0.7, 0.8, 0.9)  # deskdrop has 330 answered questions after one moment, 1,170 after these
EXCLUDED, INCLUDED = "excluded", "included"  # whether what a user has seen may be listed


@dataclass(frozen=True)
class Split:
    """``fit`` and ``validation`` make up ``train``. ``until``: when recent popularity ends, epoch ms."""

    train: Interactions
    test: Interactions
    until: int

    per_user: bool = False

    @property
    def share(self) -> float:
        """How much of the events is to learn from."""
        return len(self.train) / max(1, len(self.train) + len(self.test))

    def inner(self) -> "Split":
        """Return the split of the training part into what is fitted and what settings are chosen by."""
        return split(self.train, PER_USER if self.per_user else TIME, FIT_SHARE)

    def taught(self) -> list["Split"]:
        """Return the splits of the training part that a blend is learned from."""
        return [split(self.train, PER_USER if self.per_user else TIME, share) for share in TAUGHT_SHARES]


def split(events: Interactions, protocol: str, share: float = TRAIN_SHARE) -> Split:
    """Return the first ``share`` of the events and the rest.

    By ``PER_USER`` it is the first share of each user's: the parts overlap in time, so nothing is forecast. By ``NCF``
    the rest is each user's last event.
    """
    if protocol == NCF:
        train, test = events.split_last()
        return Split(train, test, int(train.time[-1]) if len(train) else 0, True)
    if protocol == PER_USER:
        train, test = events.split_each(share)
        return Split(train, test, int(train.time[-1]) if len(train) else 0, True)
    train, test = events.split(share)
    return Split(train, test, int(test.time[0]) if len(test) else 0)


def is_new(events: Interactions) -> Mask:
    """Return whether each event's user did not have its item: never touched it, or retracted it last."""
    key = events.user * events.items + events.item
    order = np.argsort(key, kind="stable")
    same = np.r_[False, key[order][1:] == key[order][:-1]]
    standing = np.r_[False, events.weight[order][:-1] != REMOVE]
    new = np.empty(len(events), np.bool_)
    new[order] = ~(same & standing)
    return new


def earlier(codes: Ints) -> Ints:
    """Return how often each code occurred before."""
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    count = np.empty(len(codes), np.int64)
    count[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(np.r_[starts, len(codes)]))
    return count
