"""A generation is compared with the active one on the latter's own question: drifting data are no worse model."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import convert, to_builtins

from batch_layer.gate.paired import by_recipe, paired, recipe
from batch_layer.gate.verdict import Case, Limits, Verdict, verdict
from batch_layer.learning.evaluation import BLEND, Question, below, by_time, coded, evaluate
from batch_layer.learning.sample import SAMPLE
from core.quality.ranking_quality import Interactions, Mask
from recommenders import settings_of
from recommenders.als.model import AlsSettings
from schemas.metrics import Recipe, measured
from schemas.rules import Rules
from tests.kit.streams import DAY, HOUR, START

ALS = AlsSettings(factors=8, iterations=6, regularization=1.0, alpha=10.0)
QUESTION = Question(Rules(), {**settings_of({}), "als": ALS})
LIMITS = Limits(margin=0.2, users=50, shrink=0.1)
COUNT, LATER = 4_000, 40
Row = tuple[str, str, int]  # user, item, event time


def tastes(first: int, count: int, users: int = 150, own: int = 20) -> list[Row]:
    """Return touches of users with five tastes, each of ``own`` items of the own taste, one event per minute."""
    rng = np.random.default_rng(first)
    them = rng.integers(0, users, count).tolist()
    steps = [min(int(step), own) for step in rng.geometric(2 / own, count)]
    pairs = zip(them, steps, strict=True)
    return [(f"u{u}", f"i{(u % 5) * own + step}", START + (first + k) * 60_000) for k, (u, step) in enumerate(pairs)]


ACTIVE = tastes(0, COUNT)
NEWER = tastes(COUNT, LATER)


def given(*later: Row, active: Sequence[Row] = ACTIVE) -> tuple[Interactions, Mask]:
    """What the active generation holds and what came after; which of it is the active one's."""
    import pyarrow as pa

    rows = [
        {"user": user, "item_id": item, "weight": 1000, "event_time": time, "partition": 0, "offset": offset}
        for offset, (user, item, time) in enumerate([*active, *NEWER, *later])
    ]
    table = by_time(pa.Table.from_pylist(rows, SAMPLE))
    return coded(table)[0], below(table, {0: len(active)})


def judged(events: Interactions, known: Mask, question: Question = QUESTION) -> tuple[Verdict, dict[str, Any]]:
    """What the gate makes of it, and the new generation's evaluation."""
    evaluation = evaluate(events, question)
    comparison = paired(events, known, question, QUESTION)
    evaluation |= {"paired": to_builtins(comparison.shown())} if comparison else {}
    active = {"events": COUNT, "evaluation": evaluate(events.only(known), QUESTION)}
    return verdict(
        measured({"events": len(events), "evaluation": evaluation}), measured(active), Case(), LIMITS
    ), evaluation


def anything(count: int, users: int, name: str, first: int, span: int) -> list[Row]:
    """Users who touch whatever there is."""
    rng = np.random.default_rng(1)
    them, items = rng.integers(0, users, count).tolist(), rng.integers(0, 100, count).tolist()
    times = (first + np.sort(rng.integers(0, span, count))).tolist()
    return [(f"{name}{u}", f"i{i}", t) for u, i, t in zip(them, items, times, strict=True)]


def test_a_robots_thousand_events_make_the_data_harder_and_no_model_worse() -> None:
    end = START + (COUNT + LATER) * 60_000
    events, known = given(*anything(1_000, 150, "u", end, HOUR))  # through the accounts of known users
    verdict, evaluation = judged(events, known)
    assert "paired" not in evaluation
    assert verdict.reasons == ()
    assert [warning.split(" from")[0] for warning in verdict.warnings] == ["NDCG@10 on its own time split fell"]


def test_the_same_settings_and_a_few_late_events_are_the_same_model() -> None:
    events, known = given(*anything(10, 5, "u", START, DAY))
    assert paired(events, known, QUESTION, QUESTION) is None


def test_settings_that_rank_worse_are_found_on_the_same_users() -> None:
    events, known = given()
    worse = replace(QUESTION, settings={**QUESTION.settings, "als": replace(ALS, regularization=1e7)})
    worse = replace(worse, rules=replace(Rules(), history_items=1))
    verdict, evaluation = judged(events, known, worse)
    assert evaluation["paired"]["new"] < 0.8 * evaluation["paired"]["active"]
    assert "worse by more than gate_margin 0.2" in verdict.reasons[0]
    own = evaluate(events.only(known), QUESTION)[BLEND]
    assert evaluation["paired"]["users"] == own["users"]
    assert abs(evaluation["paired"]["active"] - own["ndcg@10"]) < 0.01  # but for ties, which the fallback breaks


def test_a_flood_of_back_dated_events_in_the_names_of_known_users_is_found() -> None:
    span = (COUNT * 4 // 5) * 60_000
    events, known = given(*anything(3 * COUNT, 150, "u", START, span))
    verdict, evaluation = judged(events, known)
    assert evaluation["paired"]["new"] < 0.8 * evaluation["paired"]["active"]
    assert len(verdict.reasons) == 1


LEARNED = replace(QUESTION, learns=("similar", "popular"))


def test_a_blend_that_learns_from_worse_sources_is_refused() -> None:
    """The weights of the tables are the same, but what serves is not: popularity knows nothing of tastes."""
    events, known = given(active=tastes(0, 3 * COUNT, users=600, own=60))
    comparison = paired(events, known, replace(QUESTION, learns=("popular",)), LEARNED)
    assert comparison is not None
    assert comparison.new < 0.8 * comparison.active
    assert comparison.interval[1] < 0
    active = evaluate(events.only(known), LEARNED)
    assert "hits among ten" in active["learned"]["says"]
    assert abs(comparison.active - active[BLEND]["ndcg@10"]) < 0.01
    evaluation = {"paired": to_builtins(comparison.shown())}
    new, old = measured({"events": COUNT, "evaluation": evaluation}), measured({"events": COUNT})
    assert "worse by more than gate_margin 0.2" in verdict(new, old, Case(), LIMITS).reasons[0]


def test_the_same_learned_blend_and_a_few_late_events_are_the_same_model() -> None:
    events, known = given()
    assert paired(events, known, LEARNED, LEARNED) is None
    assert paired(events, known, LEARNED, QUESTION) is not None


def test_a_first_generation_is_held_against_none() -> None:
    events, known = given()
    assert paired(events, np.zeros_like(known), QUESTION, QUESTION) is None


def test_a_recipe_that_went_through_a_generations_metrics_is_the_same_recipe() -> None:
    kept = convert(json.loads(json.dumps(to_builtins(recipe(QUESTION)))), Recipe)
    assert by_recipe(QUESTION, kept) == QUESTION
    other = replace(QUESTION, settings={**QUESTION.settings, "als": replace(ALS, alpha=1.0, weight=0.9)}, shrinkage=5.0)
    assert by_recipe(other, kept) == QUESTION
    without = replace(kept, settings={name: own for name, own in kept.settings.items() if name != "als"})
    assert by_recipe(QUESTION, without).settings["als"].weight == 0
    assert by_recipe(QUESTION, None) == QUESTION
    learned = replace(QUESTION, learns=("similar", "ease"))
    kept = convert(json.loads(json.dumps(to_builtins(recipe(learned)))), Recipe)
    assert kept.settings["ease"]["weight"] == 0  # asked by the learned blend alone
    assert by_recipe(QUESTION, kept) == learned
