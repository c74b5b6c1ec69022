"""Which signal a blend is measured by, and when that is more than the luck of the best of many."""

from collections.abc import Sequence

import numpy as np

from batch_layer.learning.lessons import Lesson
from batch_layer.learning.rivals import rival_of
from core.ranking.columns import Floats

EARLIER, LATER, SIGNALS = 200, 100, 30
KNOWN = 3  # the signal that is the best


def lessons(hits: Floats) -> list[Lesson]:
    """One question of a user each, with those hits: shape (questions, signals)."""
    context = np.zeros(3)
    return [Lesson(np.zeros((2, 3), np.float32), 0, context, own, user) for user, own in enumerate(hits)]


def asked(of_blend: Floats, questions: Sequence[Lesson]) -> tuple[int, bool]:
    users = np.arange(EARLIER, EARLIER + LATER)
    rival = rival_of(questions, EARLIER, range(SIGNALS), of_blend, users)
    return rival.signal, rival.leads


def hits_of_chance(seed: int) -> Floats:
    return (np.random.default_rng(seed).random((EARLIER + LATER, SIGNALS)) < 0.2).astype(np.float64)


def test_the_best_of_many_in_hindsight_leads_by_luck() -> None:
    """All signals and the blend know as much; the best of thirty in hindsight leads by more than its interval."""
    led, plainly = 0, 0
    for seed in range(60):
        hits, blend = hits_of_chance(seed), (np.random.default_rng(100 + seed).random(LATER) < 0.2).astype(np.float64)
        led += asked(blend, lessons(hits))[1]
        gaps = blend[:, None] - hits[EARLIER:]
        plainly += bool((gaps.mean(axis=0) + 1.96 * gaps.std(axis=0) / LATER**0.5 < 0).any())
    assert plainly > 10  # of sixty
    assert led <= 4


def test_a_signal_that_knows_all_of_late_leads() -> None:
    hits = hits_of_chance(2)
    hits[EARLIER:, KNOWN] = 1
    assert asked(np.zeros(LATER), lessons(hits)) == (KNOWN, True)
