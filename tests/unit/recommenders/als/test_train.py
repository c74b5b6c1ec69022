"""ALS: what its artefact holds, the start from a model before, and which settings and engine fit it."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from batch_layer.learning.asking import InteractionsPast
from core.quality.ranking_quality import Interactions
from recommenders.als.fitting import warm_start
from recommenders.als.model import RECOMMENDER, AlsSettings, Searched, artefact, engine_for, reused, searched
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort, scored
from recommenders.port import Size
from schemas.rules import Rules

ALS = AlsSettings(factors=4, iterations=5, regularization=0.1, alpha=10.0)


def learned(items: list[bytes], y: Any, settings: AlsSettings = ALS, asked: Any = None) -> Artefact:
    return artefact(items, np.asarray(y, np.float32), {"settings": settings.fitted, "asked": asked})


def test_an_artefact_holds_names_factors_and_the_gram_matrix() -> None:
    y = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    made = learned([b"a", b"b", b"c", b"d", b"e"], y)
    np.testing.assert_allclose(made.arrays["gram"], y.T @ y, rtol=1e-4)
    assert made.facts["settings"] == {"factors": 4, "iterations": 5, "regularization": 0.1, "alpha": 10.0, "seed": 42}


def test_a_warm_start_takes_known_items_factors_by_name_and_small_random_ones_for_new_items() -> None:
    before = learned([b"a", b"c", b"d"], np.arange(12).reshape(3, 4))
    start = warm_start([b"a", b"b", b"d"], before, 4, seed=1)
    assert start is not None
    assert start[[0, 2]].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert 0 < start[1].min() <= start[1].max() <= 0.01
    assert warm_start([b"a"], before, 3, seed=1) is None  # another width
    assert warm_start([b"x"], before, 4, seed=1) is None  # nothing in common
    assert warm_start([b"a"], None, 4, seed=1) is None


def test_found_settings_are_used_until_the_configured_ones_change() -> None:
    best = AlsSettings(factors=4, iterations=9, regularization=7.0, alpha=3.0)
    before = learned([b"a"], np.ones((1, 4)), best, ALS.fitted)
    again = reused(ALS, before)
    assert again == Searched(**asdict(replace(best, iterations=ALS.iterations)), asked=ALS.fitted)
    changed = replace(ALS, alpha=11.0)
    assert reused(changed, before) == changed
    assert reused(ALS, None) == ALS
    assert reused(ALS, learned([b"a"], np.ones((1, 4)), best)) == ALS


def test_what_a_search_found_is_kept_over_what_an_earlier_one_found() -> None:
    before = learned([b"a"], np.ones((1, 4)), replace(ALS, alpha=2.0), ALS.fitted)
    best = searched(replace(ALS, engine="spark", weight=0.7), replace(ALS, alpha=5.0))
    assert reused(best, before) is best
    assert (best.alpha, best.engine, best.weight, best.asked) == (5.0, "spark", 0.7, ALS.fitted)


def test_a_log_of_purchases_alone_teaches_what_the_same_log_of_views_teaches() -> None:
    rng = np.random.default_rng(3)
    user, item = rng.integers(0, 40, 300), rng.integers(0, 25, 300)
    answers = []
    for weight in (1_000, 5_000):
        events = Interactions(user, item, np.full(300, weight), np.arange(300), 40, 25)
        cohort = Cohort.of(events, Rules())
        made = RECOMMENDER.fit(InteractionsPast(events, cohort.names), replace(ALS, engine="implicit"), None)
        assert made is not None
        assert made.facts["alpha"] == pytest.approx(ALS.alpha * 1_000 / weight)
        answers.append(scored(RECOMMENDER.open(made, ALS), cohort, np.arange(40)))
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "memory", "chosen"),
    [
        ("auto", 4 << 30, "implicit"),
        ("auto", 1 << 30, "spark"),
        ("implicit", 0, "implicit"),
        ("spark", 1 << 40, "spark"),
    ],
)
def test_the_engine_is_chosen_by_its_need_unless_it_is_named(name: str, memory: int, chosen: str) -> None:
    settings = AlsSettings(factors=50, engine=name, memory=memory)
    assert engine_for(settings, Size(20_000_000, 500_000, 100_000)) == chosen
