"""Which candidates are the foremost: those of the best rank in any signal, ties at the mean of their ranks."""

import numpy as np

from core.ranking.columns import Columns, Stacked
from core.ranking.features import features, foremost


def signal(items: range, scores: list[float]) -> Columns:
    return Columns(np.array(items, np.int64), np.array(scores))


def test_many_items_of_one_score_do_not_precede_what_another_signal_lists_first() -> None:
    same, listed = signal(range(50), [1.0] * 50), signal(range(100, 110), [10.0 - k for k in range(10)])
    known = features(Stacked.of([same, listed]), np.zeros(0, np.int64))
    assert known.codes[foremost(known, 10)].tolist() == list(range(100, 110))


def test_items_of_equal_rank_stay_in_their_order() -> None:
    known = features(Stacked.of([signal(range(3), [3.0, 2.0, 1.0]), signal(range(5, 8), [3.0, 2.0, 1.0])]), np.zeros(0))
    assert known.codes[foremost(known, 4)].tolist() == [0, 5, 1, 6]


def test_nothing_has_no_foremost() -> None:
    known = features(Stacked.of([]), np.zeros(0, np.int64))
    assert not len(foremost(known, 10))
    known = features(Stacked.of([signal(range(0), [])]), np.zeros(0, np.int64))
    assert not len(foremost(known, 10))
