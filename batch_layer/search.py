"""Searching for better ALS settings, on the validation slice only: the test part is for the evaluation."""

from dataclasses import dataclass, replace

import numpy as np

from batch_layer.evaluation import Question, fitted
from batch_layer.train import AlsSettings
from core.rankers import factors, folded
from core.ranking_quality import FIT_SHARE, TRAIN_SHARE, Interactions, judged, quality

REGULARIZATION, ALPHA = (0.01, 100.0), (0.5, 50.0)  # drawn evenly between the logarithms


@dataclass(frozen=True)
class Tried:
    """One candidate and its NDCG@10 on the validation part."""

    als: AlsSettings
    ndcg: float


def search(events: Interactions, question: Question, number: int, seed: int = 42) -> list[Tried]:
    """Try the settings of now and ``number`` drawn at random; the best first, of equal ones the first tried.

    Only regularization and alpha are searched: factors and iterations are a price that the user has set.
    """
    first, validation = events.split(TRAIN_SHARE)[0].split(FIT_SHARE)
    asked, fold = judged(first, validation, question.users), folded(first, question.rules)
    if not len(asked.users):
        return [Tried(question.als, 0.0)]
    rng, nothing, tried = np.random.default_rng(seed), np.zeros(events.items), []
    for turn in range(number + 1):
        drawn = (float(np.exp(rng.uniform(*np.log(bounds)))) for bounds in (REGULARIZATION, ALPHA))
        regularization, alpha = (round(value, 4) for value in drawn)
        als = replace(question.als, regularization=regularization, alpha=alpha) if turn else question.als
        found = quality(asked, factors(fold, fitted(first, als)), nothing)
        tried.append(Tried(als, float(found.ndcg.mean())))
    return sorted(tried, key=lambda each: -each.ndcg)
