"""The signals of a learned blend: rankings by the recommenders, some of them by several settings at once.

Which half-life of popularity or which decay of a history suits a log is thereby learned with the blend.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.ranking.columns import Columns
from core.ranking.features import PLACES
from core.ranking.learned import Signal
from recommenders import TABLE, recommender
from recommenders.artefact import Artefact
from recommenders.opened import model_of
from recommenders.port import Candidates, Question, Scorer

VARIANTS: Mapping[str, Sequence[Mapping[str, float]]] = {
    "popular": [{"half_life_hours": hours} for hours in (1.0, 4.0, 16.0, 48.0, 168.0, 336.0)],
    "similar": [{"step_back": 0.5}, {"step_back": 0.8}],
}


def signals_of(sources: Collection[str]) -> tuple[Signal, ...]:
    """Return the signals of those sources, in the order of the table."""
    return tuple(Signal(name, own) for name in TABLE if name in sources for own in VARIANTS.get(name, [{}]))


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
