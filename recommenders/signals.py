"""The signals of a learned blend: rankings by the recommenders, some of them by several settings at once.

Which half-life of popularity or which decay of a history suits a log is thereby learned with the blend.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.ranking.columns import Columns, Floats
from core.ranking.features import PLACES
from core.ranking.learned import Signal
from recommenders import TABLE, recommender
from recommenders.artefact import Artefact
from recommenders.opened import model_of
from recommenders.port import Candidates, Question, Scorer

SEEN_ONLY = ("repeat",)  # sources that list nothing but what a user has seen
BEGINS = {"repeat": 1.0, "ease": 0.3, "user_knn": 0.3}  # weights that learning begins from, of sources that are off
VARIANTS: Mapping[str, Sequence[Mapping[str, float]]] = {
    "popular": [{"half_life_hours": hours} for hours in (1.0, 4.0, 16.0, 48.0, 168.0, 336.0)],
    "similar": [{"step_back": 0.5}, {"step_back": 0.8}],
    "repeat": [
        {"half_life_days": 14.0},
        {"half_life_days": 90.0},
        {"half_life_days": 1_000.0},
        {"half_life_days": 90.0, "popularity": 0.01},
        {"half_life_days": 1_000.0, "popularity": 0.01},
    ],
}


def signals_of(sources: Collection[str], seen_again: bool = False) -> tuple[Signal, ...]:
    """Return the signals of those sources, in the order of the table.

    Args: seen_again: what a user has seen may be listed; sources of nothing else are asked only then.
    """
    asked = [name for name in TABLE if name in sources and (seen_again or name not in SEEN_ONLY)]
    return tuple(Signal(name, own) for name in asked for own in VARIANTS.get(name, [{}]))


def fixed_weights(signals: Sequence[Signal], settings: Mapping[str, Any]) -> Floats:
    """Return each signal's weight in the blend that learning begins from; they add up to 1, or are all 0.

    It is that of the tables, and that of ``BEGINS`` for sources that serve only where a learned blend asks them. Of the
    signals of one source the one with the settings nearest to the configured ones has the source's weight.
    """
    weights = np.zeros(len(signals))
    for source in dict.fromkeys(signal.source for signal in signals):
        own = [k for k, signal in enumerate(signals) if signal.source == source]
        weights[min(own, key=lambda k: _distance(signals[k], settings[source]))] = settings[
            source
        ].weight or BEGINS.get(source, 0.0)
    return weights / max(float(weights.sum()), 1e-12)


def _distance(signal: Signal, configured: Any) -> float:
    """Return how far the signal's settings, all above 0, are from the configured ones: each 0 for equal, below 1."""
    pairs = [(value, float(getattr(configured, name))) for name, value in signal.settings.items()]
    return sum(abs(own - theirs) / max(own, theirs) for own, theirs in pairs)


def learners_of(sources: Collection[str]) -> list[str]:
    """Return the recommenders that learn so that those sources can answer."""
    models = {model_of(name) for name in sources}
    return [name for name in TABLE if name in models and recommender(name).trained]


def open_signals(
    signals: Sequence[Signal], artefacts: Mapping[str, Artefact | None], settings: Mapping[str, Any]
) -> list[Scorer]:
    """Open each signal; one without the artefact that it needs has no candidates."""
    return [
        recommender(signal.source).open(
            artefacts.get(model_of(signal.source)), replace(settings[signal.source], **signal.settings)
        )
        for signal in signals
    ]


def answers_of(scorers: Sequence[Scorer], question: Question, excluded: int) -> list[Candidates]:
    """Return what each signal answers: its first places, however many items of the user are ``excluded``."""
    return [scorer.candidates(question, PLACES + excluded) for scorer in scorers]


def columns_of(answers: Sequence[Candidates]) -> list[Columns]:
    """Return the answers' columns."""
    return [candidates.columns for candidates in answers]
