"""Whether stated confidence is right: what was said of recommendations, and what share of them was a hit."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.quality.ranking_quality import Floats, Ints
from core.ranking.blend import Knots, confidence

GROUPS = 10  # of equally many recommendations


def stated(knots: Knots, scores: Floats) -> Floats:
    """Return the confidence that an answer states for each score."""
    known = {score: confidence(knots, score) for score in set(scores.tolist())}
    return np.array([known[score] for score in scores.tolist()])


def stated_to(knots_of: Callable[[int], Knots], users: Ints, scores: Floats) -> Floats:
    """Return the same where each user has knots of its own; the scores of one user follow one another."""
    parts = np.split(np.arange(len(users)), np.flatnonzero(np.diff(users)) + 1)
    said = [stated(knots_of(int(users[part[0]])), scores[part]) for part in parts if len(part)]
    return np.concatenate([np.zeros(0), *said])


def reliability(said: Floats, hits: Floats) -> dict[str, Any]:
    """Return how far what was said is from what happened.

    ``ece``: the mean distance between what groups of equally many recommendations were given and their share of hits.
    ``brier``: the mean squared error. ``brier_constant``: that of always saying the share of all hits. ``groups``: the
    reliability table. Without recommendations all figures are None.
    """
    if not len(said):
        return {"recommendations": 0, "ece": None, "brier": None, "brier_constant": None, "groups": []}
    parts = [part for part in np.array_split(np.argsort(said, kind="stable"), GROUPS) if len(part)]
    groups = [
        {
            "recommendations": len(part),
            "said": round(float(said[part].mean()), 4),
            "true": round(float(hits[part].mean()), 4),
        }
        for part in parts
    ]
    gaps = [len(part) * abs(float(said[part].mean() - hits[part].mean())) for part in parts]
    base = float(hits.mean())
    return {
        "recommendations": len(said),
        "ece": round(sum(gaps) / len(said), 4),
        "brier": round(float(((said - hits) ** 2).mean()), 5),
        "brier_constant": round(base * (1 - base), 5),
        "groups": groups,
    }
