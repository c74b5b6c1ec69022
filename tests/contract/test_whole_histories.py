"""Models of whole histories against plain NumPy, and what they say when they are left out."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from batch_layer.learning.evaluation import InteractionsPast
from core.quality.ranking_quality import Interactions
from recommenders import recommender
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort, scored
from recommenders.ease import EaseSettings
from recommenders.item_knn import ItemKnnSettings
from recommenders.mf import MfSettings
from recommenders.pairs import cut, matrix_of
from recommenders.port import Floats, Standing
from recommenders.rp3beta import Rp3BetaSettings
from recommenders.user_knn import UserKnnSettings
from schemas.rules import Rules
from tests.contract.recommender_contract import tastes

EVENTS = tastes(users=40, items=25, groups=5, events=500)
DEFAULTS = {
    "ease": EaseSettings(), "rp3beta": Rp3BetaSettings(), "item_knn": ItemKnnSettings(),
    "user_knn": UserKnnSettings(), "mf": MfSettings(),
}  # fmt: skip


@dataclass(frozen=True)
class Listening(InteractionsPast):
    """Keeps what is said."""

    said: list[str] = field(default_factory=list)

    def say(self, line: str, /) -> None:
        self.said.append(line)


def fitted(name: str, settings: Any, events: Interactions = EVENTS) -> tuple[Artefact | None, list[str]]:
    past = Listening(events, Cohort.of(events, Rules()).names)
    return recommender(name).fit(past, settings, None), past.said


def scores(name: str, settings: Any) -> Floats:
    artefact, _ = fitted(name, settings)
    scorer = recommender(name).open(artefact, settings)
    return scored(scorer, Cohort.of(EVENTS, Rules()), np.arange(EVENTS.users))


def touched() -> Floats:
    user, item, _ = EVENTS.standing()
    matrix = np.zeros((EVENTS.users, EVENTS.items))
    matrix[user, item] = 1
    return matrix


def test_ease_is_the_closed_form() -> None:
    x = touched()
    inverse = np.linalg.inv(x.T @ x + 30 * np.eye(EVENTS.items))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    np.testing.assert_allclose(scores("ease", EaseSettings(30.0, neighbours=99)), x @ weights, rtol=1e-3, atol=1e-4)


def test_item_neighbours_are_cosines_of_shared_users_that_shrink() -> None:
    x = touched()
    both = x.T @ x
    users = np.diag(both).copy()
    np.fill_diagonal(both, 0)
    similar = both / np.sqrt(np.outer(users, users)) * both / (both + 3)
    scored_items = scores("item_knn", ItemKnnSettings(neighbours=99, shrink=3.0))
    np.testing.assert_allclose(scored_items, x @ similar, rtol=1e-5, atol=1e-6)


def test_rp3beta_walks_from_item_to_user_to_item() -> None:
    user, item, rating = EVENTS.standing()
    x = np.zeros((EVENTS.users, EVENTS.items))
    x[user, item] = rating
    to_user = (x / x.sum(axis=0)) ** 0.7  # p(u | i)
    to_item = (x / np.maximum(x.sum(axis=1), 1)[:, None]) ** 0.7  # p(j | u)
    walks = to_user.T @ to_item / (x > 0).sum(axis=0) ** 0.4
    np.fill_diagonal(walks, 0)
    scored_items = scores("rp3beta", Rp3BetaSettings(neighbours=99, alpha=0.7, beta=0.4))
    np.testing.assert_allclose(scored_items, (x > 0) @ walks, rtol=1e-4, atol=1e-6)


def test_user_neighbours_speak_by_the_cosine_of_shared_items_that_shrinks() -> None:
    x = touched()
    shared, sizes = x @ x.T, np.maximum(x.sum(axis=1), 1)
    similar = shared / np.sqrt(np.outer(sizes, sizes)) * shared / np.maximum(shared + 4, 1)
    np.testing.assert_allclose(scores("user_knn", UserKnnSettings(99, 4.0)), similar @ x, rtol=1e-6, atol=1e-9)


def test_factors_for_ratings_predict_those_that_were_held_back() -> None:
    """Planted tastes: users of one half like even items, the others odd ones; a constant errs by 2."""
    rng = np.random.default_rng(3)
    user, item = np.divmod(rng.permutation(60 * 40)[:1800], 40)
    likes = (user % 2) == (item % 2)
    weight = np.where(likes, 5000, 1000)
    events = Interactions(user, item, weight, np.arange(1800), 60, 40)
    train, test = events.split(0.8)
    cohort = Cohort.of(train, Rules())
    past, settings = InteractionsPast(train, cohort.names), MfSettings(factors=4, epochs=60, rate=0.03)
    predicted = scored(
        recommender("mf").open(recommender("mf").fit(past, settings, None), settings), cohort, np.arange(60)
    )
    error = predicted[test.user, test.item] - test.weight / 1000
    assert np.sqrt((error**2).mean()) < 0.6
    assert 0.5 < predicted.min() < predicted.max() < 6.5


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_log_too_large_for_the_memory_allowed_is_left_out_with_a_sentence(name: str) -> None:
    artefact, said = fitted(name, type(DEFAULTS[name])(memory=1_000))
    assert artefact is None
    assert said[0].startswith(f"{name} is left out: a fit on 242 ratings of 25 items takes about")
    assert said[0].endswith(f"and memory of [recommenders.{name}] is 0 MiB")


def test_of_a_large_catalogue_the_items_rated_most_take_part_in_ease() -> None:
    whole, _ = fitted("ease", EaseSettings())
    artefact, said = fitted("ease", EaseSettings(most_items=20))
    assert whole is not None
    assert artefact is not None
    assert said[0] == "EASE: the 20 items rated most take part, of 25"
    standing = InteractionsPast(EVENTS, Cohort.of(EVENTS, Rules()).names).standing()
    ratings = np.bincount(standing.item, minlength=25)
    left_out = [ratings[standing.items.index(item)] for item in set(whole.items) - set(artefact.items)]
    assert len(artefact.items) == 20
    assert artefact.items == sorted(artefact.items)
    assert max(left_out) <= min(ratings[standing.items.index(item)] for item in artefact.items)


def test_equal_ratings_are_no_ratings_to_predict() -> None:
    events = Interactions(np.arange(4), np.arange(4), np.full(4, 2000), np.arange(4), 4, 4)
    artefact, said = fitted("mf", MfSettings(), events)
    assert artefact is None
    assert said == ["mf is left out: all ratings are equal, so there is nothing to predict"]


def test_of_a_user_with_very_many_items_as_many_are_drawn_as_count_and_the_same_ones_each_time() -> None:
    standing = Standing(
        [b"%d" % k for k in range(9)], np.r_[np.zeros(9, int), 7, 7], np.r_[np.arange(9), 2, 5], np.full(11, 1000)
    )
    drawn = matrix_of(standing, 4, 1)
    assert np.diff(drawn.indptr).tolist() == [4, 2]
    assert (drawn != matrix_of(standing, 4, 1)).nnz == 0


def test_the_greatest_absolute_weights_of_a_row_are_kept_and_of_equal_ones_the_first() -> None:
    rows = cut(np.array([[1.0, -3.0, 0.0, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0, 5.0]]), 3)
    assert rows.toarray().tolist() == [[1.0, -3.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0, 5.0]]
