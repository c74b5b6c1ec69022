"""From a blended score to a share of hits: how often an item recommended with such a score was what the user took next.

Learnt on the held-out part of a time split, from the users who took something new there: it says how likely this item
is among what such a user takes, not how likely the user comes back.
"""

import numpy as np

from core.ranking.blend import Knots
from core.ranking.ranking_quality import USERS_AT_ONCE, Floats, Judged, Scorer, best, seen_of

FEWEST = 1_000  # recommendations below which nothing is learnt
GROUPS = 20  # of equally many recommendations, before those that fall are pooled


def outcomes(asked: Judged, scorer: Scorer) -> tuple[Floats, Floats]:
    """The score of each of the first ten items of every judged user, and 1 where it was a hit."""
    scores: list[float] = []
    hits: list[bool] = []
    for first in range(0, len(asked.users), USERS_AT_ONCE):
        users = asked.users[first : first + USERS_AT_ONCE]
        rows = scorer(users)
        rows[:, ~asked.candidates] = -np.inf
        rows[seen_of(asked, users)] = -np.inf
        for row, top, wanted in zip(rows, best(rows), asked.wanted[first:], strict=False):
            listed = top[row[top] > 0]
            scores += row[listed].tolist()
            hits += np.isin(listed, wanted).tolist()
    return np.array(scores), np.array(hits, np.float64)


def calibrated(scores: Floats, hits: Floats) -> Knots:
    """The share of hits by score, never falling: groups of neighbours, pooled while the order is violated.

    Pool adjacent violators (Ayer et al. 1955); empty when there are too few to learn from.
    """
    if len(scores) < FEWEST:
        return []
    order = np.argsort(scores, kind="stable")
    pools: list[tuple[float, float, int]] = []  # sum of scores, sum of hits, how many
    for group in np.array_split(order, GROUPS):
        pools.append((float(scores[group].sum()), float(hits[group].sum()), len(group)))
        while len(pools) > 1 and pools[-2][1] * pools[-1][2] >= pools[-1][1] * pools[-2][2]:
            (s, h, n), (t, g, m) = pools.pop(), pools.pop()
            pools.append((s + t, h + g, n + m))
    return [(round(s / n, 6), round(h / n, 6)) for s, h, n in pools]
