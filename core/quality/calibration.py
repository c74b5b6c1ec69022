"""From a blended score to a share of hits: how often an item recommended with such a score was what the user took next.

Learnt on the held-out part of a time split, from the users who took something new there: it says how likely this item
is among what such a user takes, not how likely the user comes back.
"""

import numpy as np
from scipy.optimize import isotonic_regression

from core.quality.ranking_quality import USERS_AT_ONCE, Floats, Ints, Judged, Scorer, best, seen_of
from core.ranking.blend import Knots

FEWEST = 1_000  # recommendations below which nothing is learnt
GROUPS = 20  # of equally many recommendations, before those whose rates fall are pooled
KNOTS = 24  # of a curve, evenly between the logarithms of the scores
SLOPE_RIDGE = 1.0  # draws the slope to 0, as the log-likelihood of one hit counts
LEAST_SLOPE = 0.05  # per standard deviation of the logarithm: below it, a score says too little to be raised
LEAST_SPREAD = 1e-6


def outcomes(asked: Judged, scorer: Scorer) -> tuple[Floats, Floats]:
    """Return the score of each of the first ten items of every judged user, and 1 where it was a hit."""
    return recommended(asked, scorer)[1:]


def recommended(asked: Judged, scorer: Scorer) -> tuple[Ints, Floats, Floats]:
    """Return the same and before it whose list each item is in, user by user."""
    whose: list[int] = []
    scores: list[float] = []
    hits: list[bool] = []
    for first in range(0, len(asked.users), USERS_AT_ONCE):
        users = asked.users[first : first + USERS_AT_ONCE]
        rows = scorer(users)
        rows[:, ~asked.candidates] = -np.inf
        rows[seen_of(asked, users)] = -np.inf
        for user, row, top, wanted in zip(users.tolist(), rows, best(rows), asked.wanted[first:], strict=False):
            listed = top[row[top] > 0]
            whose += [user] * len(listed)
            scores += row[listed].tolist()
            hits += np.isin(listed, wanted).tolist()
    return np.array(whose, np.int64), np.array(scores), np.array(hits, np.float64)


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
    base, (slope,) = _logistic((logs - middle)[:, None] / spread, own)
    at = np.linspace(logs.min(), logs.max(), KNOTS) if logs.max() > logs.min() else logs[:1]
    rates = 1 / (1 + np.exp(-(base + slope * (at - middle) / spread)))
    return [(float(score), float(rate)) for score, rate in zip(np.exp(at).tolist(), rates.tolist(), strict=True)]


def calibrated_by_user(scores: Floats, hits: Floats, contexts: Floats) -> tuple[Knots, tuple[float, ...]]:
    """Return the knots of ``calibrated_choice``, and how a score is raised before they are read.

    Who has touched many items takes more of a list with the same scores. A score counts as
    score * exp(raise · context); for the mean user it stays. All are 0 where hits do
    not rise with the score.

    Args: contexts: of the user of each recommendation, shape (recommendations, contexts), of which the first is 1.
    """
    known, still = scores > 0, (0.0,) * contexts.shape[1]
    if not known.any():
        return [], still
    values = np.column_stack([np.log(scores[known]), contexts[known, 1:]])
    middle, spread = values.mean(axis=0), values.std(axis=0)
    varies = spread > LEAST_SPREAD
    slopes = np.zeros(len(spread))
    if varies[0]:
        slopes[varies] = _logistic((values - middle)[:, varies] / spread[varies], hits[known])[1]
    if slopes[0] < LEAST_SLOPE:
        return calibrated_choice(scores, hits), still
    slopes[varies] /= spread[varies]
    raised = slopes[1:] / slopes[0]
    per_context = np.r_[-raised @ middle[1:], raised]
    return calibrated_choice(scores * np.exp(contexts @ per_context), hits), tuple(per_context.tolist())


def _logistic(values: Floats, hits: Floats) -> tuple[float, list[float]]:
    """Return base and slopes of the likeliest curve over the columns; half a hit and half a miss are added.

    The slope of the first column does not fall.
    """
    from scipy.optimize import minimize

    share = (float(hits.sum()) + 0.5) / (len(hits) + 1)

    def objective(curve: Floats) -> tuple[float, Floats]:
        z = curve[0] + values @ curve[1:]
        off = 1 / (1 + np.exp(-z)) - hits
        middle = 1 / (1 + np.exp(-curve[0])) - 0.5
        loss = np.logaddexp(0, z).sum() - hits @ z + np.logaddexp(0, curve[0]) - curve[0] / 2
        slopes = SLOPE_RIDGE * curve[1:]
        return float(loss + slopes @ curve[1:] / 2), np.r_[off.sum() + middle, off @ values + slopes]

    start = np.r_[np.log(share / (1 - share)), np.zeros(values.shape[1])]
    bounds = [(None, None), (0.0, None), *[(None, None)] * (values.shape[1] - 1)]
    base, *slopes = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x.tolist()
    return base, slopes
