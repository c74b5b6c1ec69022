"""A recommender made of a network: a folder of one names it, its settings, and what it learns from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recommenders.artefact import Artefact
from recommenders.neural.network import Network
from recommenders.neural.scorer import NetworkScorer
from recommenders.neural.settings import NeuralSettings
from recommenders.neural.training import Examples, fit, windows
from recommenders.port import Candidates, Past, Question, Scorer


@dataclass(frozen=True)
class NoNetwork:
    """Answers where no network was trained: nothing."""

    def candidates(self, question: Question, most: int) -> Candidates:
        return Candidates()


@dataclass(frozen=True)
class Neural:
    """``network``: of the settings it was trained with. ``dropout``: the share that a fit leaves out by chance."""

    name: str
    settings: type[Any]
    network: Callable[[Any], Network]
    dropout: float = 0.0
    examples: Examples = windows
    trained: bool = True

    def fit(self, past: Past, settings: NeuralSettings, before: Artefact | None) -> Artefact | None:
        return fit(past, self.name, self.network(settings), self.dropout, settings, self.examples, before)

    def open(self, artefact: Artefact | None, settings: NeuralSettings) -> Scorer:
        if artefact is None:
            return NoNetwork()
        own = self.settings(**artefact.facts["settings"])
        return NetworkScorer(artefact.items, self.network(own), artefact.arrays, own.length)
