"""Tastes and what is popular within them, on a shop small enough to count by hand."""

from dataclasses import replace

import numpy as np
import pytest

from core.quality.ranking_quality import Interactions
from core.ranking.columns import NOBODY, Columns
from core.ranking.shelves import ByLabel, Labels, Shelves, label_of_brand
from recommenders.affinity import AffinityScorer, AffinitySettings
from recommenders.cohort import Cohort
from recommenders.port import Candidates, Question
from schemas.rules import Rules

SCORER = AffinityScorer(AffinitySettings(step_back=0.5))
LABELS = [("tea",), ("tea",), ("pots",), ("pots", "gifts"), ()]


def shop(own: list[int], labels: Labels = LABELS) -> Cohort:
    """Within one hour 3 users touch item 0, 1 touches item 1, 2 touch item 2 and 2 item 3; the last user is asked."""
    item = np.array([0, 0, 0, 1, 2, 2, 3, 3, *own])
    user = np.r_[np.arange(8), np.full(len(own), 8)]
    time = 1_700_000_000_000 // 3_600_000 * 3_600_000 + np.arange(len(item))
    events = Interactions(user, item, np.full(len(item), 1000), time, 9, 5)
    return replace(Cohort.of(events, Rules()), labels_of=labels)


def candidates(cohort: Cohort, most: int = 10, also: int = NOBODY) -> Candidates:
    question = cohort.question(8)
    return SCORER.candidates(Question(question.history, cohort, also), most)


def scores(cohort: Cohort, most: int = 10, also: int = NOBODY) -> dict[int, float]:
    columns = candidates(cohort, most, also).columns
    return dict(zip(columns.codes.tolist(), columns.scores.tolist(), strict=True))


def test_a_taste_is_shared_out_by_popularity_within_the_category() -> None:
    assert scores(shop([1])) == pytest.approx({0: 3 / 5, 1: 2 / 5})


def test_tastes_weigh_less_by_each_step_back_and_add_up_to_1() -> None:
    by_item = scores(shop([0, 2]))  # tea 1/3, pots 2/3; item 0 has 4 of 5 there, item 2 3 of 5
    assert by_item == pytest.approx({0: 4 / 15, 1: 1 / 15, 2: 2 / 5, 3: 4 / 15})
    assert sum(by_item.values()) == pytest.approx(1.0)


def test_an_item_collects_from_each_of_its_categories() -> None:
    assert scores(shop([3])) == pytest.approx({2: 0.5 * 2 / 5, 3: 0.5 * 3 / 5 + 0.5})


@pytest.mark.parametrize("own", [[], [4]], ids=["no history", "nothing but items without a category"])
def test_without_a_known_taste_nothing_is_listed(own: list[int]) -> None:
    assert scores(shop(own)) == {}


def test_where_no_item_has_a_category_nothing_is_listed() -> None:
    assert scores(shop([0, 2], ())) == {}


def test_the_item_asked_about_comes_beside_the_best() -> None:
    assert scores(shop([1]), 1) == pytest.approx({0: 3 / 5})
    assert scores(shop([1]), 1, also=1) == pytest.approx({0: 3 / 5, 1: 2 / 5})
    assert scores(shop([1]), 1, also=4) == pytest.approx({0: 3 / 5})


def test_the_history_items_that_share_a_category_are_the_reasons() -> None:
    answered = candidates(shop([0, 2]))
    assert answered.reasons(3) == pytest.approx({2: 4 / 15})
    assert answered.reasons(1) == pytest.approx({0: 1 / 15})
    assert answered.reasons(4) == {}


def test_a_brand_is_a_label_that_no_category_is() -> None:
    items = Columns(np.array([3, 5, 8]), np.array([1.0, 2.0, 1.0]))
    labels = [("a", label_of_brand("a")), ("a", "a"), (label_of_brand("a"),)]
    by_label = Shelves(items, ByLabel().knowing(items.codes, labels))
    assert {label: shelf.codes.tolist() for label, shelf in by_label.items()} == {"a": [3, 5], "\x00a": [3, 8]}
    assert by_label["a"].scores == pytest.approx([1 / 3, 2 / 3])
