"""What a lesson says of each signal by itself."""

import numpy as np
import pytest

from batch_layer.learning.lessons import hits_of
from core.ranking.columns import Stacked
from core.ranking.features import features

NOBODY_SEEN = np.zeros(0, np.int64)


def test_a_signal_that_gives_a_whole_category_one_score_is_credited_with_ten_of_its_items() -> None:
    """Fifty items tie at the first place of the first signal; the second has an order of its own."""
    items = np.arange(50)
    stacked = Stacked(np.r_[items, items], np.r_[np.ones(50), 1.0 / (1 + items)], np.array([0, 50, 100]))
    hits = hits_of(features(stacked, NOBODY_SEEN), np.array([3, 49, 77]))
    assert hits.tolist() == [[0.2, 1.0], [0.2, 0.0], [0.0, 0.0]]


def test_items_that_tie_across_the_end_of_the_list_share_what_is_left_of_it() -> None:
    stacked = Stacked(np.arange(12), np.r_[np.arange(12.0, 4.0, -1), np.ones(4)], np.array([0, 12]))
    hits = hits_of(features(stacked, NOBODY_SEEN), np.array([7, 8, 11]))[:, 0]
    assert hits.tolist() == pytest.approx([1.0, 0.5, 0.5])


def test_a_question_that_nothing_answers_has_no_hits() -> None:
    stacked = Stacked(np.zeros(0, np.int64), np.zeros(0), np.array([0, 0]))
    assert hits_of(features(stacked, NOBODY_SEEN), np.array([5])).tolist() == [[0.0]]
