"""How good rankings are on a split of the events: who is judged on what, recall, NDCG, hits, ranks, coverage.

Models learn from one part and are judged on the other, among the items that occurred in the first. The lists of what
serves are judged as they are served, short ones too. Those of the reference models follow the protocol that their
figures come from: scores are divided by the row's maximum and a millionth of recent popularity is added, so that short
lists and ties fall back on that. What ties still is ordered by item code.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.quality.interactions import Interactions as Interactions
from core.quality.interactions import Ints as Ints
from core.quality.interactions import Mask as Mask
from core.quality.intervals import interval

Floats = NDArray[np.float64]
Scorer = Callable[[Ints], Floats]  # user codes -> scores, shape (users asked, items)

LIST = 10  # items recommended to a user
TRAIN_SHARE, FIT_SHARE = 0.8, 0.9  # of the events; of the training part when something is tuned
FALLBACK = 1e-6  # how much recent popularity counts beside a score
USERS_AT_ONCE = 128  # dense rows: users times items of float64


@dataclass(frozen=True)
class Judged:
    """What is asked on a split: ``wanted[k]`` holds the items (codes) that user ``users[k]`` touched after the cut.

    ``candidates``: items of the training part. ``seen``: (user, item) pairs never listed. ``unknown``: of the distinct
    test pairs of users known before, the share on items that training never saw; they are left out. ``surprise``: of
    each item, −log2 of the share of users who touched it in training; empty: nobody asks. ``among``: by user, the only
    items that may be listed; empty: all candidates.
    """

    users: Ints
    wanted: list[Ints]
    candidates: Mask
    seen: tuple[Ints, Ints]
    unknown: float
    surprise: Floats = field(default_factory=lambda: np.zeros(0))
    among: Sequence[Ints] = ()


def constant(values: Floats) -> Scorer:
    """Return a scorer that gives everyone the same scores, such as popularity."""
    return lambda users: np.tile(values, (len(users), 1))


def judged(
    train: Interactions, test: Interactions, most: int | None, seed: int = 42, seen_again: bool = False
) -> Judged:
    """Return users with items before and new ones after the cut; a uniform sample if there are more than ``most``.

    Args: seen_again: what a user has seen may be listed, and counts when it is touched again.
    """
    items = train.items
    user, item, _ = train.standing()
    if seen_again:
        user, item = user[:0], item[:0]
    candidates = np.zeros(items, np.bool_)
    candidates[train.item] = True
    positive = test.weight > 0
    pairs = np.unique(test.user[positive] * items + test.item[positive])
    pairs = pairs[np.isin(pairs // items, train.user)]
    known = candidates[pairs % items]
    kept = known & ~np.isin(pairs, user * items + item)
    users = np.unique(pairs[kept] // items)
    if most is not None and len(users) > most:
        users = np.sort(np.random.default_rng(seed).choice(users, most, replace=False))
    bounds = np.searchsorted(pairs[kept], np.r_[users, users + 1] * items)
    wanted = [pairs[kept][a:b] % items for a, b in zip(bounds[: len(users)], bounds[len(users) :], strict=True)]
    unknown = 1 - float(known.mean()) if len(known) else 0.0
    return Judged(users, wanted, candidates, (user, item), unknown, surprise(train))


def surprise(train: Interactions) -> Floats:
    """Return −log2 of the share of users who touched each item, that of a single user where nobody did."""
    share = np.maximum(votes(train), 1) / max(1, len(np.unique(train.user)))
    return -np.log2(share)


@dataclass(frozen=True)
class Quality:
    """Per judged user, of the first ten: recall, NDCG, whether anything hit, 1 / the rank of the first hit, precision.

    Precision divides by ten, however short a list is. ``coverage``: the share of the candidates that anybody was
    recommended. ``novelty``: the mean surprise of what was listed (Zhou et al. 2010), 0 where nothing was.
    """

    recall: Floats
    ndcg: Floats
    hit: Floats
    reciprocal: Floats
    precision: Floats
    coverage: float
    novelty: float

    def by_name(self) -> dict[str, Floats]:
        """Return the measures by the names that reports give them."""
        return {
            "ndcg@10": self.ndcg, "recall@10": self.recall, "hr@10": self.hit, "mrr@10": self.reciprocal,
            "precision@10": self.precision,
        }  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Return means with their 95 % intervals (resampled users; they say nothing of the choice of the cut)."""
        summary: dict[str, Any] = {
            "users": len(self.ndcg), "coverage": round(self.coverage, 4), "novelty": round(self.novelty, 3),
        }  # fmt: skip
        for name, values in self.by_name().items():
            summary[name] = round(float(values.mean()), 4) if len(values) else 0.0
            summary[f"{name} 95 %"] = interval(values)
        return summary


def quality(asked: Judged, scorer: Scorer, recent: Floats | None = None) -> Quality:
    """Rank for every judged user and compare the first ten with what the user did.

    Args: recent: recent popularity of each item, any scale, which fills short lists; None: a list has as many items as
        score above 0, as those that are served.
    """
    fallback = None if recent is None else FALLBACK * recent / max(float(recent.max(initial=0.0)), 1.0)
    tops: list[Ints] = []
    for first in range(0, len(asked.users), USERS_AT_ONCE):
        users = asked.users[first : first + USERS_AT_ONCE]
        tops += best(_prepared(scorer(users), fallback, users, asked))
    gain = 1 / np.log2(np.arange(2, LIST + 2))
    rows = np.zeros((len(tops), 5))
    for row, top, wanted in zip(rows, tops, asked.wanted, strict=True):
        hits, ideal = np.isin(top, wanted), min(LIST, len(wanted))
        first_hit = 1 / (1 + int(hits.argmax())) if hits.any() else 0.0
        ranked = gain[: len(top)][hits].sum() / gain[:ideal].sum()
        row[:] = hits.sum() / ideal, ranked, hits.any(), first_hit, hits.sum() / LIST
    listed = np.concatenate(tops) if tops else np.zeros(0, np.int64)
    novelty = float(asked.surprise[listed].mean()) if len(listed) and len(asked.surprise) else 0.0
    coverage = len(np.unique(listed)) / max(1, int(asked.candidates.sum()))
    recall, ndcg, hit, reciprocal, precision = rows.T
    return Quality(recall, ndcg, hit, reciprocal, precision, coverage, novelty)


def best(scores: Floats) -> list[Ints]:
    """Return the codes of each row's ten greatest finite scores, greatest first, then by code."""
    out = []
    for row in scores:
        least = np.partition(row, -LIST)[-LIST] if len(row) > LIST else -np.inf
        among = np.flatnonzero((row >= least) & (row > -np.inf))
        out.append(among[np.argsort(-row[among], kind="stable")][:LIST])
    return out


def _prepared(scores: Floats, fallback: Floats | None, users: Ints, asked: Judged) -> Floats:
    if fallback is None:
        ready: Floats = np.where(scores > 0, scores, -np.inf)
    else:
        greatest = scores.max(axis=1, initial=0.0, keepdims=True)
        ready = scores / np.where(greatest > 0, greatest, 1.0) + fallback
    ready[:, ~asked.candidates] = -np.inf
    row, item = seen_of(asked, users)
    ready[row, item] = -np.inf
    if asked.among:
        places = np.searchsorted(asked.users, users)
        for scored, place in zip(ready, places.tolist(), strict=True):
            others = np.ones(len(scored), np.bool_)
            others[asked.among[place]] = False
            scored[others] = -np.inf
    return ready


def among_drawn(asked: Judged, number: int, seed: int = 42) -> Judged:
    """Return the same, but that what is wanted is ranked among so many drawn items which the user has not seen."""
    rng, among = np.random.default_rng(seed), []
    for place, user in enumerate(asked.users.tolist()):
        open_to = asked.candidates.copy()
        open_to[seen_of(asked, np.array([user]))[1]] = False
        open_to[asked.wanted[place]] = False
        others = np.flatnonzero(open_to)
        drawn = rng.choice(others, min(number, len(others)), replace=False)
        among.append(np.r_[asked.wanted[place], drawn])
    return replace(asked, among=among)


def seen_of(asked: Judged, users: Ints) -> tuple[Ints, Ints]:
    """Return rows (places in ``users``) and items of what these users have seen."""
    who, item = asked.seen
    starts, ends = np.searchsorted(who, users, "left"), np.searchsorted(who, users, "right")
    row = np.repeat(np.arange(len(users)), ends - starts)
    return row, np.concatenate([item[a:b] for a, b in zip(starts, ends, strict=True)] or [item[:0]])


def votes(events: Interactions, window_ms: int | None = None, until: int | None = None) -> Floats:
    """Return how many distinct users touched each item, with a window in the ``window_ms`` before ``until``."""
    until = int(events.time[-1]) if until is None and len(events) else until
    recent = events.weight > 0
    if window_ms is not None and until is not None:
        recent &= events.time >= until - window_ms
    pairs = np.unique(events.user[recent] * events.items + events.item[recent])
    return np.bincount(pairs % events.items, minlength=events.items).astype(np.float64)
