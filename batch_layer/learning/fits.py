"""The fits of one blend: on the earlier questions or on all, drawn to fixed weights as much as suits the later ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from batch_layer.learning.candidates import EveryCandidate
from batch_layer.learning.lessons import Lesson
from core.ranking.choice import Choice, Choices, Rows, fitted, shares_of_choice
from core.ranking.columns import Floats, Ints
from core.ranking.features import PER_SIGNAL
from core.ranking.learned import CONTEXTS

RIDGES = (1.0, 10.0, 100.0)  # tried in this order
CAUTIOUS = 10.0  # the ridge where too few questions could choose one
SHARPNESS = 8.0  # what a blend by fixed weights is multiplied by to be a choice, where no question says otherwise
SHARPNESS_RIDGE = 1.0


class Asked(Protocol):
    """Candidates of one question, and what is known of the user, as a ``Lesson`` has them."""

    @property
    def rows(self) -> Rows: ...

    @property
    def context(self) -> Floats: ...


@dataclass(frozen=True)
class Weighed:
    """Weights, shape (features, contexts), over the features of some of the signals, by number, and all traits.

    ``of``: how many signals there are; what follows theirs are traits.
    """

    signals: tuple[int, ...]
    weights: Floats
    of: int

    def scores(self, lesson: Asked) -> Floats:
        """Return the share of each candidate that was kept in the choice among these."""
        per_feature = self.weights @ lesson.context
        own = columns(self.signals, self.of, lesson.rows.shape[1])
        return shares_of_choice(lesson.rows[:, own].astype(np.float64) @ per_feature)

    def listed(self, every: EveryCandidate, context: Floats, most: int) -> tuple[Ints, Floats]:
        """Return the first ``most`` places among all candidates and their scores, as an answer would state them.

        An answer divides by all that the asked signals list: its scores are lower than those of a choice among few.
        """
        per_feature = self.weights @ context
        of_signals = PER_SIGNAL * len(self.signals)
        weights = np.zeros((self.of, PER_SIGNAL))
        weights[list(self.signals)] = per_feature[:of_signals].reshape(-1, PER_SIGNAL)
        asked = np.zeros(self.of, np.bool_)
        asked[list(self.signals)] = True
        places, speaking = every.speaking(weights, asked, per_feature[of_signals:])
        scores = shares_of_choice(speaking)
        first = np.argsort(-scores, kind="stable")[:most]
        return places[first], scores[first]


def columns(signals: Sequence[int], of: int, features: int) -> Ints:
    """Return the columns of those signals' features and of the traits, which follow those of all ``of`` signals."""
    own = [PER_SIGNAL * signal + k for signal in signals for k in range(PER_SIGNAL)]
    return np.array([*own, *range(PER_SIGNAL * of, features)], np.int64)


@dataclass
class Fits:
    """``choices``: the questions that teach, of which the first ``cut`` are the earlier ones.

    ``towards``: weights of their features that rank as fixed weights do, shape (features, contexts).
    ``number``: of signals. ``speaking``: those that list anything: features are theirs, and no fit asks the others.
    ``left``: how many of the last traits no fit asks: their weights are 0.
    ``ridge``: how much a fit is drawn to ``towards``. ``_near``: the questions with few
    features more than asked for last. ``_curvature``: of the earlier questions near the weights that were fitted first.
    """

    choices: Choices
    cut: int
    towards: Floats
    number: int
    speaking: tuple[int, ...]
    left: int = 0
    ridge: float = RIDGES[0]
    _curvature: Floats | None = field(default=None, repr=False)
    _near: tuple[tuple[int, ...], Choices] | None = field(default=None, repr=False)
    _best: tuple[Weighed, float] | None = field(default=None, repr=False)

    @staticmethod
    def of(lessons: Sequence[Lesson], cut: int, fixed: Floats, speaking: tuple[int, ...], left: int = 0) -> "Fits":
        """Return the fits of those lessons that teach; ``cut`` counts those among the earlier ones."""
        teaching = (lesson for lesson in lessons if lesson.teaches)
        choices = Choices.beside([Choice(own.rows, own.taken, own.context, own.weight) for own in teaching])
        if left or len(speaking) < len(fixed):
            choices = choices.only(columns(speaking, len(fixed), choices.rows.shape[2] - left))
        towards = as_a_choice(choices.part(0, cut), fixed[list(speaking)])
        return Fits(choices, cut, towards, len(fixed), speaking, left)

    def cautious(self) -> Weighed:
        """Return the earlier questions' fit over all that speak, drawn strongly to fixed weights."""
        self.ridge = CAUTIOUS
        weights = fitted(self.choices.part(0, self.cut), self.ridge, self.towards)
        return self._weighed(self.speaking, weights)

    def with_ridge(self) -> tuple[Weighed, float]:
        """Return the earlier questions' fit over all that speak by the ridge that suits the later ones, and their loss.

        The ridge is kept for the fits that follow.
        """
        if self._best is not None:
            return self._best
        chosen = self.speaking
        best, least = None, np.inf
        start: Floats | None = None
        earlier = self.choices.part(0, self.cut)
        for ridge in RIDGES:
            weights = fitted(earlier, ridge, self.towards, start, self._curvature)
            loss, start = self._later(self.choices).loss(weights), weights
            if self._curvature is None:
                self._curvature = earlier.curvature(weights)
            if loss >= least:
                break
            best, least, self.ridge = weights, loss, ridge
        assert best is not None
        self._near = chosen, self.choices
        self._best = self._weighed(chosen, best), least
        return self._best

    def losses(self) -> Floats:
        """Return the loss of each later question by the fit of ``with_ridge``, of a list's by the weight of each."""
        later, best = self._later(self.choices), self.with_ridge()[0]
        own: Floats = later.probabilities(self._asked(best))[0] * (later.weight / later.weight.mean())
        return own

    def without(self, fit: Weighed, signals: tuple[int, ...]) -> tuple[Weighed, float]:
        """Return the earlier questions' fit over some of the signals of ``fit``, and the loss of the later ones."""
        own, choices = self._columns(signals), self._only(fit.signals, signals)
        start = self._asked(fit)[np.isin(self._columns(fit.signals), own)]
        earlier, curved = choices.part(0, self.cut), self._curved(own)
        weights = fitted(earlier, self.ridge, self.towards[own], start, curved)
        return self._weighed(signals, weights), self._later(choices).loss(weights)

    def on_all(self, fit: Weighed) -> Weighed:
        """Return the fit of all questions over the signals of ``fit``."""
        own = self._columns(fit.signals)
        return self._weighed(fit.signals, self._by_all(self.choices.only(own), own, self._asked(fit)))

    def _by_all(self, choices: Choices, own: Ints, start: Floats) -> Floats:
        """Return the fit of questions of all times, whose curvature is about that of the earlier ones, scaled."""
        curved = self._curved(own)
        if curved is not None:
            curved = curved * (choices.weight.sum() / self.choices.weight[: self.cut].sum())
        return fitted(choices, self.ridge, self.towards[own], start, curved)

    def _curved(self, own: Ints) -> Floats | None:
        """Return the curvature of the earlier questions over those features; None while nothing was fitted."""
        if self._curvature is None:
            return None
        places = (own[:, None] * CONTEXTS + np.arange(CONTEXTS)).ravel()
        curved: Floats = self._curvature[np.ix_(places, places)]
        return curved

    def crossed(self, fit: Weighed, parts: Sequence[tuple[int, int]]) -> Iterator[Weighed]:
        """Yield for each part, a range of questions that teach, the fit of all others over the signals of ``fit``."""
        own = self._columns(fit.signals)
        choices = self.choices.only(own)
        for first, end in parts:
            weight = choices.weight.copy()
            weight[first:end] = 0.0
            of_others = self._by_all(replace(choices, weight=weight), own, self._asked(fit))
            yield self._weighed(fit.signals, of_others)

    def _weighed(self, signals: tuple[int, ...], weights: Floats) -> Weighed:
        return Weighed(signals, np.pad(weights, ((0, self.left), (0, 0))), self.number)

    def _asked(self, fit: Weighed) -> Floats:
        return fit.weights[: len(fit.weights) - self.left]

    def _later(self, choices: Choices) -> Choices:
        return choices.part(self.cut, len(choices))

    def _only(self, of: tuple[int, ...], signals: tuple[int, ...]) -> Choices:
        """Return the questions with the features of those signals, cut from those of ``of``, which are kept."""
        if self._near is None or self._near[0] != of:
            self._near = of, self.choices.only(self._columns(of))
        places, near = [of.index(signal) for signal in signals], self._near[1]
        return near.only(columns(places, len(of), near.rows.shape[2]))

    def _columns(self, signals: Sequence[int]) -> Ints:
        return columns([self.speaking.index(signal) for signal in signals], len(self.speaking), len(self.towards))


def as_a_choice(choices: Choices, fixed: Floats) -> Floats:
    """Return weights of the features that rank as the fixed weights of the signals do, as sharply as the choices say.

    A blend by fixed weights adds up each signal's score divided by its best, so only these features have a weight.
    """
    towards, scores = np.zeros((choices.rows.shape[2], CONTEXTS)), slice(0, len(fixed) * PER_SIGNAL, PER_SIGNAL)
    if not fixed.any():
        return towards
    blended = choices.rows[:, :, scores] @ fixed.astype(np.float32)
    alone = replace(choices, rows=blended[:, :, None], context=np.ones((len(choices.rows), 1)))
    sharpness = fitted(alone, SHARPNESS_RIDGE, np.array([[SHARPNESS]]))
    towards[scores, 0] = fixed * max(0.0, float(sharpness[0, 0]))
    return towards
