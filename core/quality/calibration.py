"""From a blended score to a share of hits: how often an item recommended with such a score was what the user took next.

Learnt on the held-out part of a time split, from the users who took something new there: it says how likely this item
is among what such a user takes, not how likely the user comes back.
"""

import numpy as np
from scipy.optimize import isotonic_regression

from core.quality.ranking_quality import USERS_AT_ONCE, Floats, Judged, Scorer, best, seen_of
from core.ranking.blend import Knots

FEWEST = 1_000  # recommendations below which nothing is learnt
GROUPS = 20  # of equally many recommendations, before those whose rates fall are pooled
FEWEST_OF_GROUP = 100  # recommendations
PRIOR = 50  # recommendations of the share of all hits that each group is given beside its own


def outcomes(asked: Judged, scorer: Scorer) -> tuple[Floats, Floats]:
    """Return the score of each of the first ten items of every judged user, and 1 where it was a hit."""
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
    """Return the share of hits by score, never falling: isotonic regression over groups of neighbours.

    Empty when there are too few to learn from.
    """
    if len(scores) < FEWEST:
        return []
    groups = np.array_split(np.argsort(scores, kind="stable"), GROUPS)
    sizes = np.array([len(group) for group in groups])
    score_sums, hit_sums = (np.array([values[group].sum() for group in groups]) for values in (scores, hits))
    pools = isotonic_regression(hit_sums / sizes, weights=sizes).blocks[:-1]  # where each pool of groups begins
    n, s, h = (np.add.reduceat(values, pools) for values in (sizes, score_sums, hit_sums))
    return [(round(score, 6), round(rate, 6)) for score, rate in zip((s / n).tolist(), (h / n).tolist(), strict=True)]


def calibrated_choice(scores: Floats, hits: Floats) -> Knots:
    """Return the share of hits by score as ``calibrated``, shrunk towards the share of all hits; empty for no scores.

    The fewer recommendations there are, the fewer groups and the nearer they are to the share of all.
    """
    if not len(scores):
        return []
    groups = np.array_split(np.argsort(scores, kind="stable"), max(1, min(GROUPS, len(scores) // FEWEST_OF_GROUP)))
    base = float(hits.mean())
    rates = np.array([(hits[group].sum() + PRIOR * base) / (len(group) + PRIOR) for group in groups])
    pooled = isotonic_regression(rates, weights=np.array([len(group) for group in groups])).x
    means = [float(scores[group].mean()) for group in groups]
    return [(round(score, 6), round(rate, 6)) for score, rate in zip(means, pooled.tolist(), strict=True)]
