"""A learned blend: its features in two twins, its scores, its fit, and what it stores."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ranking import column_kernel, readable
from core.ranking import feature_kernel as fast
from core.ranking import features as slow
from core.ranking.blend import Blend, strongest
from core.ranking.choice import Choice, Choices, fitted
from core.ranking.columns import NOBODY, Columns, Floats, Stacked
from core.ranking.features import PER_SIGNAL, PLACES, Features
from core.ranking.learned import CONTEXTS, Learned, LearnedBlend, Signal, context

FEW = 12
codes = st.integers(0, FEW - 1)
scores = st.one_of(st.floats(-1, 2), st.sampled_from([0.25, 0.5, 1.0, 1e-300]))
source = st.dictionaries(codes, scores, max_size=FEW).map(Columns.of)
NOTHING_BANNED = np.zeros(0, np.int64)


@settings(deadline=None)  # the first call compiles
@given(st.lists(source, max_size=4), st.sets(codes), st.integers(-1, FEW - 1))
def test_both_twins_know_the_same_of_each_candidate(sources: list[Columns], excluded: set[int], also: int) -> None:
    asked = Stacked.of(sources), np.array(sorted(excluded), np.int64), also
    one, other = fast.features(*asked), slow.features(*asked)
    assert one.codes.tolist() == other.codes.tolist()
    assert one.values().tobytes() == other.values().tobytes()
    weights = np.linspace(-1, 2, len(sources) * PER_SIGNAL)
    assert fast.weighed(one, weights).tobytes() == slow.weighed(other, weights).tobytes()


@settings(deadline=None)
@given(st.lists(source, min_size=1, max_size=4), st.lists(st.sampled_from([-1.0, 0.0, 0.1, 0.7, 1.0]), min_size=12))
def test_both_twins_name_the_source_of_an_item_s_greatest_part(sources: list[Columns], weights: list[float]) -> None:
    signals = tuple(Signal("one" if k == 2 else f"source {k}") for k in range(len(sources)))
    size = len(sources) * PER_SIGNAL
    blend = Learned(signals, tuple((weight, 0.0, 0.0) for weight in (*weights, *weights)[:size]))
    asked = list(range(FEW))
    for kernels in (column_kernel, readable):
        made = LearnedBlend(blend, sources, np.array([1.0, 0.5, 0.5]), NOTHING_BANNED, kernels=kernels)
        assert made.strongest(asked) == [strongest(parts) for parts in made.parts(asked)]


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=PLACES - 5, max_size=3 * PLACES), st.integers(0, PLACES)
)
def test_both_twins_cut_a_long_list_at_the_same_place(values: list[float], also: int) -> None:
    columns = Columns(np.arange(len(values)), np.array(values))
    banned = np.array([also, 3], np.int64)
    asked = Stacked.of([columns, columns]), banned, also
    one, other = fast.features(*asked), slow.features(*asked)
    assert one.codes.tolist() == other.codes.tolist()
    assert one.values().tobytes() == other.values().tobytes()


def test_what_is_known_of_an_item_does_not_depend_on_candidates_beyond_the_places() -> None:
    falling = Columns(np.arange(3 * PLACES), np.linspace(2, 1, 3 * PLACES))
    whole = slow.features(Stacked.of([falling]), NOTHING_BANNED)
    cut = slow.features(Stacked.of([Columns(falling.codes[:PLACES], falling.scores[:PLACES])]), NOTHING_BANNED)
    assert len(whole.codes) == PLACES
    assert whole.values().tobytes() == cut.values().tobytes()


def learned(*weights: float) -> Learned:
    """A blend of two signals by the rank alone."""
    rows = [(0.0,) * CONTEXTS] * (2 * PER_SIGNAL)
    for signal, weight in enumerate(weights):
        rows[PER_SIGNAL * signal + 1] = (weight, 0.0, 0.0)
    return Learned(
        (Signal("popular", {"half_life_hours": 4.0}), Signal("similar")), tuple(rows), [(0.1, 0.2)], {"a": 1}
    )


A, B = Columns(np.array([0, 1]), np.array([2.0, 1.0])), Columns(np.array([1, 2]), np.array([5.0, 4.0]))


def test_scores_are_shares_of_one_choice_and_parts_add_up_to_them() -> None:
    blend = LearnedBlend(learned(1.0, 2.0), [A, B], context(3, 1.0), NOTHING_BANNED)
    assert math.isclose(float(blend.totals.scores.sum()), 1.0)
    best = int(blend.totals.codes[blend.totals.scores.argmax()])
    assert best == 1  # first of one signal and second of the other
    for code, parts in zip([0, 1, 2], blend.parts([0, 1, 2]), strict=True):
        assert math.isclose(sum(parts.values()), blend.score(code))
    assert set(blend.parts([1])[0]) == {"popular", "similar"}
    shares = blend.features(1)
    assert {entry["signal"] for entry in shares} == {"popular (half_life_hours 4)", "similar"}
    assert all(entry["share"] == entry["value"] * entry["weight"] for entry in shares)


def test_what_no_signal_has_among_its_first_follows_in_the_order_of_fixed_weights() -> None:
    more = Columns(np.array([7, 8, 1]), np.array([1.0, 3.0, 2.0]))
    rest = Blend({"popular": more}, {"popular": 1.0}, NOTHING_BANNED)
    blend = LearnedBlend(learned(1.0, 2.0), [A, B], context(0, None), NOTHING_BANNED, rest=rest)
    order = blend.totals.codes[np.argsort(-blend.totals.scores)].tolist()
    assert order[-2:] == [8, 7]
    assert set(order) == {0, 1, 2, 7, 8}
    assert math.isclose(sum(blend.parts([7])[0].values()), blend.score(7))


def test_a_list_of_fixed_weights_alone_states_shares_of_one_choice() -> None:
    """It said half of its score, as if the user's one choice were between two items."""
    rest = Blend({"popular": Columns(np.arange(40), np.arange(40.0) + 1)}, {"popular": 1.0}, NOTHING_BANNED)
    nobodys = Columns(np.zeros(0, np.int64), np.zeros(0))
    blend = LearnedBlend(learned(1.0, 2.0), [nobodys, nobodys], context(0, None), NOTHING_BANNED, rest=rest)
    assert math.isclose(float(blend.totals.scores.sum()), 1.0)
    assert blend.totals.codes[blend.totals.scores.argmax()] == 39
    assert blend.score(39) < 0.1
    assert math.isclose(sum(blend.parts([39])[0].values()), blend.score(39))


def test_a_stored_blend_comes_back_as_the_same_bits() -> None:
    kept = learned(0.1, 1 / 3)
    read = Learned.from_json(kept.to_json())
    assert read.signals == kept.signals
    assert read.weights_for(context(5, 2.5)).tobytes() == kept.weights_for(context(5, 2.5)).tobytes()
    assert [tuple(knot) for knot in read.knots] == kept.knots
    assert read.facts == kept.facts


def test_traits_of_items_count_beside_what_signals_say_and_are_explained() -> None:
    plain = learned(1.0, 1.0)
    blend = replace(plain, weights=(*plain.weights, (9.0, 0.0, 0.0)), traits=("newness",))
    assert Learned.from_json(blend.to_json()).traits == ("newness",)

    def traits(known: Features, names: Sequence[str]) -> Floats:
        assert list(names) == ["newness"]
        return (known.codes == 2).astype(np.float64)[:, None]

    asked = ([A, B], context(3, 1.0), NOTHING_BANNED)
    ranked = LearnedBlend(blend, *asked, traits=traits)
    without = LearnedBlend(plain, *asked)
    assert without.score(1) > without.score(2)
    assert ranked.score(2) > ranked.score(1)
    trait = {"signal": "item", "feature": "newness", "value": 1.0, "weight": 9.0, "share": 9.0}
    assert trait in ranked.features(2)
    assert trait["signal"] not in {entry["signal"] for entry in ranked.features(1)}
    assert math.isclose(sum(ranked.parts([2])[0].values()), ranked.score(2))


def test_a_blend_of_an_earlier_version_knows_no_traits() -> None:
    stored = json.loads(learned(1.0, 2.0).to_json())
    del stored["traits"]
    assert Learned.from_json(json.dumps(stored).encode()) == Learned.from_json(learned(1.0, 2.0).to_json())


def test_excluded_items_are_not_listed_and_an_item_asked_for_is_described() -> None:
    banned = np.array([1], np.int64)
    assert 1 not in LearnedBlend(learned(1.0, 1.0), [A, B], context(0, None), banned).totals.codes
    assert LearnedBlend(learned(1.0, 1.0), [A, B], context(0, None), banned, also=1).score(1) > 0


def test_a_fit_finds_what_choices_are_made_by() -> None:
    rng, truth = np.random.default_rng(1), np.array([2.0, -1.0, 0.0])
    questions = []
    for _ in range(1_500):
        rows = rng.normal(size=(8, 3)).astype(np.float32)
        gumbel = rng.gumbel(size=8)
        questions.append(Choice(rows, int((rows @ truth + gumbel).argmax()), np.ones(1)))
    assert np.abs(fitted(Choices.beside(questions)).ravel() - truth).max() < 0.2


def test_a_fit_finds_weights_that_depend_on_the_context_among_differently_many_candidates() -> None:
    rng, truth = np.random.default_rng(2), np.array([[2.0, -2.0], [0.0, 1.0]])
    questions = []
    for number in range(3_000):
        rows, own = rng.normal(size=(4 + number % 5, 2)).astype(np.float32), np.array([1.0, rng.random()])
        questions.append(Choice(rows, int((rows @ truth @ own + rng.gumbel(size=len(rows))).argmax()), own))
    assert np.abs(fitted(Choices.beside(questions)) - truth).max() < 0.25


def test_the_fewer_questions_the_nearer_is_a_fit_to_what_it_is_drawn_to() -> None:
    rng, truth, goal = np.random.default_rng(3), np.array([[3.0], [0.0]]), np.array([[0.0], [2.0]])
    rows = [rng.normal(size=(6, 2)).astype(np.float32) for _ in range(1_000)]
    questions = [Choice(own, int((own @ truth[:, 0] + rng.gumbel(size=6)).argmax()), np.ones(1)) for own in rows]
    off = [np.abs(fitted(Choices.beside(questions[:n]), 10.0, goal) - goal).max() for n in (1, 10, 100, 1_000)]
    assert off == sorted(off)
    assert np.abs(fitted(Choices.beside(questions[:5]), 1e6, goal) - goal).max() < 0.01


def test_items_taken_from_one_list_teach_as_questions_with_lists_of_their_own_do() -> None:
    rng = np.random.default_rng(4)
    lists = [(rng.normal(size=(5 + k % 3, 4)).astype(np.float32), rng.random(2), rng.random(3)) for k in range(40)]
    shared = [Choice(rows, k, context, float(weights[k])) for rows, context, weights in lists for k in range(3)]
    apart = [own._replace(rows=own.rows.copy()) for own in shared]
    one, other = Choices.beside(shared), Choices.beside(apart)
    assert (len(one), len(one.rows), len(other.rows)) == (120, 40, 120)
    np.testing.assert_allclose(fitted(one), fitted(other), rtol=1e-2, atol=1e-3)
    weights = rng.normal(size=(4, 2))
    for first, end in ((0, 120), (0, 61), (61, 120), (7, 8), (5, 5)):  # a cut may divide what was taken from one list
        mine, theirs = one.part(first, end), other.part(first, end)
        np.testing.assert_allclose(mine.probabilities(weights)[0], theirs.probabilities(weights)[0], rtol=1e-5)
    assert one.loss(weights) == pytest.approx(other.loss(weights))


def test_the_curvature_is_that_of_the_loss() -> None:
    rng, questions = np.random.default_rng(4), list[Choice]()
    for number in range(40):
        rows, own = rng.normal(size=(5 + number % 3, 2)).astype(np.float32), np.array([1.0, rng.random()])
        questions += [Choice(rows, taken, own, weight) for taken, weight in ((0, 0.5), (3, 0.25), (4, 0.25))]
    choices, weights, step = Choices.beside(questions), np.array([[0.3, -0.2], [0.5, 0.1]]), 0.05

    def loss(by: Floats) -> float:
        return float(choices.probabilities(weights + by.reshape(2, 2))[0] @ choices.weight)

    moves = step * np.eye(4)
    bent = [[(loss(a + b) - loss(a - b) - loss(b - a) + loss(-a - b)) / (4 * step**2) for b in moves] for a in moves]
    assert np.allclose(choices.curvature(weights), bent, rtol=0.02, atol=0.02)
    assert np.allclose(fitted(choices, curvature=np.eye(4)), fitted(choices), atol=1e-2)  # it says only how to search


def test_nobody_in_no_signal_is_an_empty_list() -> None:
    blend = LearnedBlend(learned(1.0, 1.0), [Columns.of({}), Columns.of({})], context(0, None), NOTHING_BANNED, NOBODY)
    assert not len(blend.totals.codes)
    assert blend.parts([3]) == [{}]
    assert blend.features(3) == []
