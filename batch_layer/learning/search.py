"""Searching for better ALS settings, on the validation slice only: the test part is for the evaluation."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from batch_layer.learning.asking import InteractionsPast, Question, in_process
from core.quality.ranking_quality import FIT_SHARE, TRAIN_SHARE, Interactions, judged, quality
from recommenders import recommender
from recommenders.als import AlsSettings
from recommenders.cohort import Cohort, scored

REGULARIZATION, ALPHA = (0.01, 100.0), (0.5, 50.0)  # drawn evenly between the logarithms


@dataclass(frozen=True)
class Tried:
    """One candidate and its NDCG@10 on the validation part."""

    als: AlsSettings
    ndcg: float


def search(events: Interactions, question: Question, number: int, seed: int = 42) -> list[Tried]:
    """Try the current settings and ``number`` drawn at random; return the best first, equals in the order tried.

    Only regularization and alpha are searched: factors and iterations are a price that the user has set.
    """
    first, validation = events.split(TRAIN_SHARE)[0].split(FIT_SHARE)
    asked, cohort = judged(first, validation, question.users), Cohort.of(first, question.rules)
    now: AlsSettings = in_process(question.settings)["als"]
    if not len(asked.users):
        return [Tried(now, 0.0)]
    als_of, past = recommender("als"), InteractionsPast(first, cohort.names)
    rng, tried = np.random.default_rng(seed), list[Tried]()
    for turn in range(number + 1):
        drawn = (float(np.exp(rng.uniform(*np.log(bounds)))) for bounds in (REGULARIZATION, ALPHA))
        regularization, alpha = (round(value, 4) for value in drawn)
        als = replace(now, regularization=regularization, alpha=alpha) if turn else now
        scorer = als_of.open(als_of.fit(past, als, None), als)
        ranked = quality(asked, partial(scored, scorer, cohort))
        tried.append(Tried(als, float(ranked.ndcg.mean())))
    return sorted(tried, key=lambda trial: -trial.ndcg)
