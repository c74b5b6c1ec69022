"""What every recommender must do, whatever it learns: subclass it, name the recommender, and run it with pytest.

``personal``: whether its answers depend on the user's history; those must find planted tastes.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from batch_layer.learning.evaluation import InteractionsPast
from core.quality.ranking_quality import Interactions, constant, judged, quality, votes
from recommenders import recommender, settings_of
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort, one_by_one, scored
from recommenders.opened import asked_for, blended, model_of, open_all
from recommenders.port import Question, Recommender, Scorer
from schemas.event import REMOVE
from schemas.rules import Rules

MINUTE, DAY = 60_000, 86_400_000
START = 1_700_000_000_000 // DAY * DAY


def tastes(seed: int = 3, users: int = 120, items: int = 60, groups: int = 6, events: int = 1_800) -> Interactions:
    """Users who mostly stay in their group of items, over ten days; one group comes into fashion on the last."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, users, events)
    time = START + np.sort(rng.integers(0, 10 * DAY, events))
    group = np.where(rng.random(events) < 0.85, user % groups, rng.integers(0, groups, events))
    group[(time > START + 9 * DAY) & (rng.random(events) < 0.5)] = 0
    item = group * (items // groups) + rng.integers(0, items // groups, events)
    return Interactions(user, item, rng.choice([1000, 1000, 3000, 5000], events), time, users, items)


def listed(*rows: tuple[int, int, int]) -> Interactions:
    """(user, item, weight), an hour apart."""
    user, item, weight = np.array(rows, np.int64).reshape(-1, 3).T
    time = START + np.arange(len(user)) * 60 * MINUTE
    return Interactions(user, item, weight, time, int(user.max(initial=-1)) + 1, int(item.max(initial=-1)) + 1)


DEGENERATE = {
    "nothing": listed(),
    "one event": listed((0, 0, 1000)),
    "one user": listed(*((0, item, 1000) for item in range(8))),
    "one item": listed(*((user, 0, 1000) for user in range(8))),
    "all the same": listed(*((user, item, 2000) for user in range(6) for item in range(6))),
    "all taken back": listed((0, 0, 1000), (0, 1, 1000), (0, 0, REMOVE), (0, 1, REMOVE)),
    "huge and tiny ratings": listed(*((u, (u + k) % 4, 1 + 10**9 * k) for u in range(9) for k in range(2))),
}


class RecommenderContract:
    """Tests of one recommender; ``name`` is its key in the table. ``on``: whether it is asked by default."""

    name: str
    personal = True
    on = True

    def fitted(self, events: Interactions, cohort: Cohort, before: Artefact | None = None) -> Artefact | None:
        artefact: Artefact | None = self.model.fit(InteractionsPast(events, cohort.names), self.fit_settings(), before)
        return artefact

    @property
    def model(self) -> Recommender[Any]:
        """The recommender that learns what this one answers by."""
        return recommender(model_of(self.name))

    def fit_settings(self) -> Any:
        """Those to learn with."""
        return self.settings()

    def settings(self) -> Any:
        """Those to test with; the defaults unless a subclass says otherwise."""
        return settings_of({})[self.name]

    def opened(self, events: Interactions, cohort: Cohort) -> Scorer:
        return recommender(self.name).open(self.fitted(events, cohort), self.settings())

    def test_it_is_what_the_table_calls_it(self) -> None:
        assert recommender(self.name).name == self.name
        assert (recommender(self.name).settings().weight > 0) == self.on

    def test_candidates_are_scored_above_0_and_no_more_than_asked_for(self) -> None:
        events = tastes()
        cohort = Cohort.of(events, Rules())
        scorer = self.opened(events, cohort)
        for user in range(0, events.users, 10):
            scores = scores_of(scorer, cohort.question(user), 7)
            assert scores
            assert set(scores) <= set(cohort.names)
            assert all(0 < score < float("inf") for score in scores.values())
        assert len(scores) <= 7 or self.name == "similar"  # whose rows are bounded by its neighbours

    def test_an_item_that_is_asked_about_scores_as_among_many(self) -> None:
        events = tastes()
        cohort = Cohort.of(events, Rules())
        scorer = self.opened(events, cohort)
        question = cohort.question(1)
        many = scores_of(scorer, question, events.items)
        for item, score in many.items():
            asked = replace(question, also=cohort.index.code(item))
            assert scores_of(scorer, asked, 3)[item] == pytest.approx(score)

    def test_many_users_at_once_get_what_each_one_gets(self) -> None:
        events = tastes()
        cohort = Cohort.of(events, Rules())
        scorer, users = self.opened(events, cohort), np.arange(0, events.users, 7)
        alone = one_by_one(scorer, cohort, users)
        np.testing.assert_allclose(np.maximum(scored(scorer, cohort, users), 0), alone, rtol=1e-4, atol=1e-6)

    def test_the_same_past_and_seed_give_the_same_artefact_and_its_rows_give_it_back(self) -> None:
        events = tastes()
        cohort = Cohort.of(events, Rules())
        one, two = self.fitted(events, cohort), self.fitted(events, cohort)
        assert (one is None) == (not self.model.trained)
        if one is not None and two is not None:
            rows = dict(one.rows())
            assert rows == dict(two.rows())
            read = Artefact.read(lambda keys: {key: rows[key] for key in keys if key in rows})
            again = recommender(self.name).open(read, self.settings())
            users = np.arange(5)
            assert np.array_equal(scored(again, cohort, users), scored(self.opened(events, cohort), cohort, users))

    @pytest.mark.parametrize("kind", DEGENERATE)
    def test_degenerate_pasts_give_finite_scores_and_never_an_error(self, kind: str) -> None:
        events = DEGENERATE[kind]
        cohort = Cohort.of(events, Rules())
        scores = scored(self.opened(events, cohort), cohort, np.arange(events.users))
        assert scores.shape == (events.users, events.items)
        assert np.isfinite(scores).all()

    def test_without_an_artefact_or_a_history_it_answers_all_the_same(self) -> None:
        cohort = Cohort.of(listed(), Rules())
        scorer = recommender(self.name).open(None, self.settings())
        assert scores_of(scorer, Question(cohort_history(cohort), cohort), 10) == {}

    def test_planted_tastes_are_found(self) -> None:
        train, test = tastes(events=4_000).split(0.8)
        asked, cohort = judged(train, test, None), Cohort.of(train, Rules())
        nobody = np.zeros(train.items)
        ndcg = quality(asked, partial(scored, self.opened(train, cohort), cohort), nobody).ndcg.mean()
        popular = quality(asked, constant(votes(train)), nobody).ndcg.mean()
        assert ndcg > (1.2 * popular if self.personal else 0)

    def test_a_blend_never_lists_what_a_user_has_seen(self) -> None:
        train, test = tastes().split(0.8)
        asked, cohort = judged(train, test, None), Cohort.of(train, Rules())
        settings = settings_of({self.name: {"weight": 0.5}})
        opened = open_all({model_of(self.name): self.fitted(train, cohort)}, settings)
        assert list(opened) == asked_for(settings)
        scores = blended({self.name: opened[self.name]}, cohort, asked)(asked.users)
        user, item = asked.seen
        for row, code in enumerate(asked.users.tolist()):
            assert not scores[row, item[user == code]].any()
            assert scores[row].max() == pytest.approx(1.0 if scores[row].any() else 0.0)
        # Nothing may rise or be new, and repeats have been seen.
        assert scores.any() or self.name in ("trending", "latest", "repeat")


def scores_of(scorer: Scorer, question: Question, most: int) -> dict[bytes, float]:
    """The candidates' scores by name; each is named once."""
    columns, names = scorer.candidates(question, most).columns, question.sums.index.names
    scores = {names[code]: score for code, score in zip(columns.codes.tolist(), columns.scores.tolist(), strict=True)}
    assert len(scores) == len(columns.codes)
    return scores


def cohort_history(cohort: Cohort) -> Any:
    """The history of somebody who has none."""
    return type(cohort.question(0).history)()
