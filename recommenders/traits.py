"""Traits of candidates: what is known of an item itself, whichever signal lists it.

A learned blend weighs them beside what the signals say. Each is 0 where nothing is known, and about 1 at most.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from core.ranking.features import Features, foremost
from core.ranking.ranked import Ordered
from core.ranking.shelves import is_brand
from recommenders.affinity import by_label, tastes_of
from recommenders.port import Floats, Ints, Question
from schemas.event import WEIGHT_SCALE

Trait = Callable[[Question, Features], Floats]
KEPT = 100  # candidates of a question that are learned from, and whose labels are read, by their best rank
NEW_HOURS = 672  # four weeks, unless the twelve before know the item; half-lives of two weeks look back as far
STEP_BACK = 0.9  # what an item touched one step earlier says of a taste, as in ``affinity``
WIDE = 1e4  # ratings of 1 that stand of an item whose reach is 1
FREQUENCY_HOURS = 336.0  # half-life, one of those of the signals of ``popular``
FINE = 1_000.0  # a count that is a thousandth of the greatest is a tenth of its frequency
SOFT = 20.0  # a share of 1 in 20 of the history is a quarter of a match, one of 1 in 4 more than a half


def newness(question: Question, known: Features) -> Floats:
    """Return 1 for an item first counted in the current hour, falling with the logarithm of its age to 0."""
    return _listed(question.sums.newcomers(NEW_HOURS), _newness, known)


def _newness(scores: Floats) -> Floats:
    hours = NEW_HOURS * (1 - scores)
    out: Floats = 1 - np.log1p(hours) / np.log1p(NEW_HOURS)
    return out


def category(question: Question, known: Features) -> Floats:
    """Return how much of the user's history is of the item's categories."""
    return _matches(question, known).category


def brand(question: Question, known: Features) -> Floats:
    """Return how much of the user's history is of the item's brand."""
    return _matches(question, known).brand


def foremost_of(question: Question, known: Features) -> Ints:
    """Return the places of the ``KEPT`` foremost candidates; computed once for all who ask of these."""
    kept = question.once(("foremost", id(known.codes)), lambda: (foremost(known, KEPT), known.codes))
    return kept[0]


class _Matches(NamedTuple):
    category: Floats
    brand: Floats
    codes: Ints  # whose they are: as long as they are kept, their id is their own


def _matches(question: Question, known: Features) -> _Matches:
    """Return both of the items among the first; computed once for both."""

    def made() -> _Matches:
        of_category, of_brand = _matched(question, known)
        return _Matches(of_category, of_brand, known.codes)

    return question.once(("matches", id(known.codes)), made)


def _matched(question: Question, known: Features) -> Floats:
    """Return how much of the history is of each item's categories, and of its brand: shape (2, items)."""
    tastes, out = by_label(tastes_of(question, STEP_BACK)), [[0.0] * len(known.codes) for _ in range(2)]
    if not tastes:
        return np.array(out)
    total = [sum(taste for label, taste in tastes.items() if is_brand(label) == of) or 1.0 for of in (False, True)]
    shares = {label: (is_brand(label), taste / total[is_brand(label)]) for label, taste in tastes.items()}
    places = foremost_of(question, known)
    for place, labels in zip(places.tolist(), question.sums.labels(known.codes[places]), strict=True):
        for label in labels:
            if (said := shares.get(label)) is not None:
                out[said[0]][place] += said[1]
    matches: Floats = np.log1p(SOFT * np.minimum(out, 1.0)) / np.log1p(SOFT)
    return matches


def reach(question: Question, known: Features) -> Floats:
    """Return the logarithm of how much stands of each item over all users: its norm, in ratings of 1."""
    return question.once(("reach", id(known.codes)), lambda: (_reach(question, known), known.codes))[0]


def reach_squared(question: Question, known: Features) -> Floats:
    """Return the square of ``reach``: what most people have already may say less than what many have."""
    squared: Floats = reach(question, known) ** 2
    return squared


def frequency(question: Question, known: Features) -> Floats:
    """Return the logarithm of each item's decayed count, as a share of the greatest: 1 for the most frequent item."""
    return _listed(question.sums.decayed(FREQUENCY_HOURS), _frequency, known)


def _frequency(scores: Floats) -> Floats:
    out: Floats = np.log1p(FINE * scores / scores.max(initial=0.0)) / np.log1p(FINE)
    return out


def _listed(ordered: Ordered | None, of_scores: Callable[[Floats], Floats], known: Features) -> Floats:
    """Return what follows from each candidate's score in a list that is alike for everybody, 0 for one without."""
    out = np.zeros(len(known.codes))
    if ordered is not None:
        of_codes = ordered.by_code(of_scores)
        inside = known.codes < len(of_codes)
        out[inside] = of_codes[known.codes[inside]]
    return out


def _reach(question: Question, known: Features) -> Floats:
    norms = np.maximum(question.sums.norms(known.codes), 0) / WEIGHT_SCALE
    logarithms: Floats = np.log1p(norms) / np.log1p(WIDE)
    return logarithms


TRAITS: Mapping[str, Trait] = {
    "newness": newness,
    "category": category,
    "brand": brand,
    "reach": reach,
    "reach_squared": reach_squared,
    "frequency": frequency,
}
TO_PROVE = ("reach", "reach_squared", "frequency")  # the last ones: asked only where later questions show their worth


def traits_of(question: Question, known: Features, names: Sequence[str] = tuple(TRAITS)) -> Floats:
    """Return the traits of those names, shape (items, names); zeros for a name that this version does not know."""
    out = np.zeros((len(known.codes), len(names)))
    for column, name in enumerate(names):
        if name in TRAITS:
            out[:, column] = TRAITS[name](question, known)
    return out
