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
KNOTS = 24  # of a curve, evenly between the logarithms of the scores
SLOPE_RIDGE = 1.0  # draws the slope to 0, as the log-likelihood of one hit counts


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
    """Return the share of hits by score, never falling: a logistic curve over the score's logarithm (Platt 1999).

    Its two numbers need fewer recommendations than a share of hits for each of many groups. The fewer there are, the
    nearer the curve is to the share of all hits. Empty for no scores, or none above 0.
    """
    known = scores > 0
    logs, own = np.log(scores[known]), hits[known]
    if not len(logs):
        return []
    middle, spread = float(logs.mean()), float(logs.std()) or 1.0
    base, slope = _logistic((logs - middle) / spread, own)
    at = np.linspace(logs.min(), logs.max(), KNOTS) if logs.max() > logs.min() else logs[:1]
    rates = 1 / (1 + np.exp(-(base + slope * (at - middle) / spread)))
    return [(float(score), float(rate)) for score, rate in zip(np.exp(at).tolist(), rates.tolist(), strict=True)]


def _logistic(values: Floats, hits: Floats) -> tuple[float, float]:
    """Return base and slope of the likeliest curve whose slope does not fall; half a hit and half a miss are added."""
    from scipy.optimize import minimize

    share = (float(hits.sum()) + 0.5) / (len(hits) + 1)

    def objective(curve: Floats) -> tuple[float, Floats]:
        z = curve[0] + curve[1] * values
        off = 1 / (1 + np.exp(-z)) - hits
        middle = 1 / (1 + np.exp(-curve[0])) - 0.5
        loss = np.logaddexp(0, z).sum() - hits @ z + np.logaddexp(0, curve[0]) - curve[0] / 2
        slope = SLOPE_RIDGE * curve[1]
        return float(loss + slope * curve[1] / 2), np.array([off.sum() + middle, off @ values + slope])

    start, bounds = np.array([np.log(share / (1 - share)), 0.0]), [(None, None), (0.0, None)]
    base, slope = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x.tolist()
    return base, slope
