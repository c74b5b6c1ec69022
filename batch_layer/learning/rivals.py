"""The single signal that a learned blend is measured by, and whether it leads by more than luck."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from batch_layer.learning.lessons import Lesson
from core.quality.intervals import difference, surely_below
from core.ranking.columns import Floats, Ints


class Rival(NamedTuple):
    """A single signal, its hits in the later questions, and whether it leads the blend there by more than luck.

    ``difference`` and ``bounds``: the blend's hits minus the signal's, and their interval.
    """

    signal: int
    hits: Floats
    difference: float
    bounds: list[float] | None
    leads: bool


def rival_of(lessons: Sequence[Lesson], cut: int, speaking: Sequence[int], hits: Floats, users: Ints) -> Rival:
    """Return the best signal of all questions, earlier and later ones.

    Who is the best of many in hindsight leads by luck, so its lead must be the greater, the more were tried.
    """
    signal, later = _best_alone(lessons, speaking), lessons[cut:]
    alone = by_question(np.array([lesson.hits[signal] for lesson in later], np.float64), later)
    gap, bounds = difference(hits, alone, users)
    return Rival(signal, alone, gap, bounds, bounds is not None and surely_below(gap, bounds, len(speaking)))


def _best_alone(lessons: Sequence[Lesson], speaking: Sequence[int]) -> int:
    """Return the signal that alone has most of what was taken among its first ten, of each list by its share."""
    weights = [lesson.weight for lesson in lessons]
    hits = np.average([lesson.hits for lesson in lessons], axis=0, weights=weights)
    return max(speaking, key=lambda signal: float(hits[signal]))


def by_question(values: Floats, lessons: Sequence[Lesson]) -> Floats:
    """Return the weighed mean of the lessons of each list: who took ten items from one counts as much as who took one.

    Those of one list follow one another.
    """
    pairs = zip([None, *lessons], lessons, strict=False)
    number = np.cumsum([before is None or before.rows is not own.rows for before, own in pairs]) - 1
    weights = np.array([lesson.weight for lesson in lessons])
    means: Floats = np.bincount(number, values * weights) / np.bincount(number, weights)
    return means
