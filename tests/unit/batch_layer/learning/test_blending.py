"""What a blend makes of questions whose right answer is known by construction."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from batch_layer.learning.blending import FEWEST_TO_ASK, learned
from batch_layer.learning.candidates import EveryCandidate
from batch_layer.learning.fits import Weighed
from batch_layer.learning.lessons import NO_ITEM, Lesson
from core.ranking.blend import confidence
from core.ranking.features import PER_SIGNAL, RANKS, Features
from core.ranking.learned import CONTEXTS, Learned, Signal

CANDIDATES, TAKEN, QUESTIONS = 30, 7, 400
A, B = Signal("popular", {"half_life_hours": 1.0}), Signal("popular", {"half_life_hours": 168.0})
ELSEWHERE = Signal("similar", {})
LATER = 0.7  # of the questions precede those that judge
FIRST, TENTH, LAST = 0, 9, CANDIDATES - 1
FIRSTS = (0, 0)
CONTEXT = np.array([1.0, 0.5, 0.5])
Places = tuple[int, int]  # where the item that is taken stands with the first signal and with the second


def lesson(number: int, places: Places) -> Lesson:
    """A question that two signals answer in orders of their own, but for the place of the item that is taken."""
    rng = np.random.default_rng(number)
    rows = np.zeros((CANDIDATES, 6), np.float32)
    for signal, place in enumerate(places):
        order = [item for item in rng.permutation(CANDIDATES).tolist() if item != TAKEN]
        order.insert(place, TAKEN)
        rows[order, 3 * signal] = 1 / (1 + np.arange(CANDIDATES))
        rows[order, 3 * signal + 1] = RANKS[:CANDIDATES]
        rows[order, 3 * signal + 2] = 1
    hits = np.array([place < 10 for place in places], np.float64)
    return calibrating(Lesson(rows, TAKEN, CONTEXT, hits, number))


def calibrating(question: Lesson, others: int = 0) -> Lesson:
    """The same lesson with all its candidates kept for confidence; its first signal lists so many more."""
    signals = question.hits.size
    features = question.rows[:, : PER_SIGNAL * signals].reshape(CANDIDATES, signals, PER_SIGNAL)
    ranks = RANKS[CANDIDATES : CANDIDATES + others]
    shares = [np.r_[features[:, 0, 0], np.full(others, 1 / CANDIDATES)], *features[:, 1:, 0].T]
    known = Features(
        np.arange(CANDIDATES + others),
        np.r_[np.arange(CANDIDATES + others), np.tile(np.arange(CANDIDATES), signals - 1)],
        np.concatenate(shares).astype(np.float64),
        np.r_[features[:, 0, 1], ranks, features[:, 1:, 1].T.ravel()].astype(np.float64),
        np.r_[0, CANDIDATES + others + CANDIDATES * np.arange(signals)],
    )
    traits = np.pad(question.rows[:, PER_SIGNAL * signals :], ((0, others), (0, 0)))
    return replace(question, every=EveryCandidate.of(known, traits.astype(np.float64)), all_taken=np.array([TAKEN]))


def opposed(number: int) -> Lesson:
    """A question whose answer is in the middle with both signals; what one lists before it, the other lists last."""
    rng = np.random.default_rng(number)
    middle, others = CANDIDATES // 2, rng.permutation([item for item in range(CANDIDATES) if item != TAKEN])
    values = np.empty(CANDIDATES)
    values[others] = np.r_[np.linspace(1.0, 0.6, middle), np.linspace(0.3, 0.0, CANDIDATES - 1 - middle)]
    rows = np.zeros((CANDIDATES, 6), np.float32)
    rows[:, 1], rows[:, 4] = values, 0.9 - values
    rows[TAKEN, [1, 4]] = 0.55
    return Lesson(rows, TAKEN, CONTEXT, np.zeros(2), number)


def lessons(earlier: Places, later: Places | None) -> list[Lesson]:
    cut = int(LATER * QUESTIONS)
    first = [lesson(number, earlier) for number in range(cut)]
    return first + [lesson(k, later) if later else opposed(k) for k in range(cut, QUESTIONS)]


def active(*weights: float) -> Learned:
    """A blend that weighs the ranks of both signals."""
    rows = [(0.0,) * CONTEXTS if k != 1 else (weight, 0.0, 0.0) for weight in weights for k in range(3)]
    return Learned((A, B), tuple(rows))


def learnt(questions: Sequence[Lesson], before: Learned | None = None, other: Signal = B) -> Learned:
    blend = learned((A, other), questions, before)
    assert isinstance(blend, Learned), blend
    return blend


def test_the_signal_that_knows_what_is_taken_decides() -> None:
    blend = learnt(lessons((FIRST, LAST), (FIRST, LAST)))
    assert blend.facts["hr@10"] == 1.0
    assert not {"gives_way", "kept"} & blend.facts.keys()


def test_a_source_that_knows_nothing_is_not_asked() -> None:
    rng = np.random.default_rng(3)
    questions = [lesson(k, (FIRST, int(rng.integers(0, CANDIDATES)))) for k in range(2 * QUESTIONS)]
    assert learnt(questions, other=ELSEWHERE).signals == (A,)


def with_trait(question: Lesson) -> Lesson:
    """The same with a last column that is 1 for the item that is taken, and for some others."""
    rows = np.concatenate([question.rows, np.zeros((CANDIDATES, 1), np.float32)], axis=1)
    rows[[TAKEN, 1, 2], -1] = 1
    return calibrating(replace(question, rows=rows))


def test_a_trait_of_what_is_taken_is_learned() -> None:
    questions = [with_trait(opposed(number)) for number in range(QUESTIONS)]
    blend = learned((A, ELSEWHERE), questions, traits=["newness"])
    assert isinstance(blend, Learned), blend
    assert blend.traits == ("newness",)
    assert blend.weights[-1][0] > 1
    assert blend.facts["hr@10"] == 1.0


@pytest.mark.parametrize(
    ("helps", "number", "asked"), [(True, QUESTIONS, ()), (True, 3 * QUESTIONS, ("reach",)), (False, 3 * QUESTIONS, ())]
)
def test_a_trait_that_is_to_prove_its_worth_is_asked_where_many_later_questions_show_it(
    helps: bool, number: int, asked: tuple[str, ...]
) -> None:
    """What is taken has it, or some item of the question has it."""
    rng = np.random.default_rng(2)
    questions = [with_trait(opposed(k)) for k in range(number)]
    if not helps:
        rows = [rng.permutation(own.rows[:, -1]) for own in questions]
        questions = [
            calibrating(replace(q, rows=np.c_[q.rows[:, :-1], own])) for q, own in zip(questions, rows, strict=True)
        ]
    blend = learned((A, ELSEWHERE), questions, traits=["reach"], to_prove=1)
    assert isinstance(blend, Learned), blend
    assert blend.traits == asked
    assert len(blend.weights) == 3 * len(blend.signals) + len(asked)


def test_a_trait_that_is_to_prove_its_worth_leaves_the_others_where_they_are() -> None:
    """Of two traits the first says what is taken; the fits of all questions and of their parts know it too."""
    questions = [with_trait(opposed(k)) for k in range(3 * QUESTIONS)]
    questions = [calibrating(replace(own, rows=np.c_[own.rows, np.zeros(CANDIDATES)])) for own in questions]
    blend = learned((A, ELSEWHERE), questions, traits=["newness", "reach"], to_prove=1)
    assert isinstance(blend, Learned), blend
    assert blend.traits == ("newness",)
    assert blend.weights[-1][0] > 1
    assert blend.facts["hr@10"] == 1.0
    assert confidence(blend.knots_for(CONTEXT), 0.9) > 0.5


def test_a_trait_that_no_item_has_is_not_stored() -> None:
    questions = [calibrating(replace(own, rows=np.pad(own.rows, ((0, 0), (0, 1))))) for own in lessons(FIRSTS, FIRSTS)]
    blend = learned((A, B), questions, traits=["category"])
    assert isinstance(blend, Learned), blend
    assert blend.traits == ()
    assert len(blend.weights) == 3 * len(blend.signals)


def test_active_coefficients_without_traits_are_compared_with_those_that_have_some() -> None:
    questions = [with_trait(question) for question in lessons(FIRSTS, FIRSTS)]
    blend = learned((A, B), questions, active(9.0, 0.0), traits=["newness"])
    assert isinstance(blend, Learned), blend
    assert blend.facts["active_hr@10"] == 1.0
    assert len(blend.weights) == 3 * len(blend.signals) + len(blend.traits)


def test_few_questions_leave_no_source_out_and_stay_near_fixed_weights() -> None:
    few = lessons((FIRST, LAST), (FIRST, LAST))[::8]
    fixed = np.array([0.0, 1.0])
    blend = learned((A, ELSEWHERE), few, None, fixed)
    assert isinstance(blend, Learned)
    assert blend.signals == (A, ELSEWHERE)
    drawn, free = (learned((A, B), lessons((FIRST, LAST), None)[::step], None, fixed) for step in (40, 1))
    assert isinstance(drawn, Learned)
    assert isinstance(free, Learned)
    assert drawn.weights[3][0] > 1.0  # what fixed weights say of the second signal still counts
    assert free.weights[3][0] < drawn.weights[3][0]


def test_who_took_many_items_from_one_list_counts_as_much_as_who_took_one() -> None:
    """A fifth of the users took forty items, which only the first signal knows; of the others the second knows."""
    questions = list[Lesson]()
    for user in range(QUESTIONS):
        items = 40 if user % 5 == 0 else 1
        own = replace(lesson(user, (FIRST, LAST) if items > 1 else (LAST, FIRST)), weight=1 / items)
        questions += [own] * items
    facts = learnt(questions, other=ELSEWHERE).facts
    assert facts["best_source"] == ELSEWHERE.name
    assert facts["best_source_hr@10"] == pytest.approx(0.8, abs=0.02)
    assert facts["questions"] == len(questions)


def test_a_blend_that_hits_less_often_than_one_signal_gives_way_to_it() -> None:
    """Earlier the first signal knows all and the second nearly as much; later only the second does."""
    blend = learnt(lessons((FIRST, TENTH), (LAST, TENTH)))
    assert blend.facts["gives_way"]
    assert blend.facts["difference"] < 0
    assert blend.signals == (B,)
    assert blend.facts["best_source"] == B.name
    weights = blend.weights_for(np.array([1.0, 0.5, 0.5]))
    first = lesson(1, (LAST, TENTH)).rows[:, 3:] @ weights
    assert int((first > first[TAKEN]).sum()) == TENTH  # the order is that of the signal
    assert max(share for _, share in blend.knots) > 0  # and so is the confidence: the blend never hits


def test_a_blend_does_not_give_way_to_a_signal_whose_lead_may_be_chance() -> None:
    """Earlier the first signal knows more; later the second alone lists eight items, and the first alone six."""
    cut = int(LATER * 2 * QUESTIONS)
    later = [(LAST, TENTH)] * 8 + [(FIRST, LAST)] * 6 + [FIRSTS] * (2 * QUESTIONS - cut - 14)
    questions = [lesson(k, places) for k, places in enumerate([(FIRST, TENTH)] * cut + later)]
    facts = learnt(questions).facts
    assert facts["best_source"] == B.name
    assert facts["difference"] < 0 < facts["difference 95 %"][1]
    assert "gives_way" not in facts


def test_the_active_coefficients_are_kept_where_they_rank_later_questions_better() -> None:
    """Earlier the first signal is right and the second wrong; later only what both say together is."""
    questions, right = lessons((FIRST, LAST), None), active(5.0, 5.0)
    blend = learnt(questions, right)
    assert blend.facts["kept"]
    assert blend.facts["lead 95 %"][1] < 0
    assert (blend.signals, blend.weights) == (right.signals, right.weights)
    assert blend.facts["active_hr@10"] == 1.0
    assert blend.knots != learnt(questions).knots  # confidence is that of what serves


@pytest.mark.parametrize("before", [active(5.0, -5.0), active(-5.0, -5.0)], ids=["as good", "worse"])
def test_active_coefficients_that_are_no_better_are_replaced(before: Learned) -> None:
    questions = lessons((FIRST, LAST), (FIRST, LAST))
    blend = learnt(questions, before)
    assert "kept" not in blend.facts
    assert blend.weights == learnt(questions).weights


def test_active_coefficients_of_signals_that_are_gone_are_not_compared() -> None:
    questions = lessons((FIRST, LAST), None)
    gone = Learned((A, ELSEWHERE), active(5.0, 5.0).weights)
    assert "lead" not in learnt(questions, gone).facts
    assert "lead" in learnt(questions, active(5.0, 5.0)).facts


def test_too_few_answered_questions_are_a_sentence_with_both_numbers() -> None:
    rows = lessons((FIRST, LAST), (FIRST, LAST))
    nothing = [Lesson(one.rows, NO_ITEM, one.context, one.hits, one.user) for one in rows]
    no_choice = [Lesson(one.rows[:1], 0, one.context, one.hits, one.user) for one in rows]
    for few, answered in (([], 0), (rows[: FEWEST_TO_ASK - 1], FEWEST_TO_ASK - 1), (nothing, 0), (no_choice, 0)):
        sentence = learned((A, B), few)
        assert isinstance(sentence, str)
        assert f"needs {FEWEST_TO_ASK:,}" in sentence
        assert f"{answered:,} events took something that" in sentence


@pytest.mark.parametrize("others", [0, 150])
def test_confidence_is_that_of_scores_among_all_candidates_not_among_those_that_are_learned_from(others: int) -> None:
    """What is taken stands at any of the first places; answers divide by all that is listed, 150 more here."""
    rng = np.random.default_rng(8)
    places = [min(int(rng.exponential(8)), LAST) for _ in range(2 * QUESTIONS)]
    questions = [calibrating(lesson(k, (place, place)), others) for k, place in enumerate(places)]
    blend = learnt(questions)
    asked = Weighed(tuple(map([A, B].index, blend.signals)), np.array(blend.weights), 2)
    said, hits = list[float](), list[bool]()
    for question in questions:
        assert question.every is not None
        listed, scores = asked.listed(question.every, CONTEXT, 10)
        said += [confidence(blend.knots, score) for score in scores.tolist()]
        hits += (listed == TAKEN).tolist()
    assert np.mean(said) == pytest.approx(np.mean(hits), rel=0.1)


def test_all_candidates_rank_as_those_kept_do() -> None:
    question, weights = (
        calibrating(lesson(1, (3, 4)), 20),
        Weighed((1,), np.array([[2.0, 0, 0], [3, 1, 0], [0, 0, 0]]), 2),
    )
    assert question.every is not None
    places, scores = weights.listed(question.every, CONTEXT, 10)
    own = weights.scores(question)
    assert places.tolist() == np.argsort(-own, kind="stable")[:10].tolist()
    assert scores == pytest.approx(own[places])  # the second signal lists no others


SILENT = Signal("neumf")


def with_silent(question: Lesson, at: int) -> Lesson:
    """The same with a signal that lists nothing, in that place among the others; confidence learns from it."""
    rows, hits = np.insert(question.rows, [PER_SIGNAL * at] * PER_SIGNAL, 0, axis=1), np.insert(question.hits, at, 0)
    every = question.every
    known = None if every is None else replace(every, starts=np.insert(every.starts, at, every.starts[at]))
    return replace(question, rows=rows, hits=hits, every=known)


@pytest.mark.parametrize(
    "questions",
    [
        lessons(FIRSTS, (TENTH, LAST)),
        lessons((FIRST, LAST), (FIRST, LAST))[::8],
        lessons((FIRST, TENTH), (LAST, TENTH)),
    ],
    ids=["many", "few", "gives way"],
)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_signal_that_lists_nothing_is_not_asked_and_the_others_weigh_as_without_it(
    questions: list[Lesson], at: int
) -> None:
    signals, fixed = [A, ELSEWHERE], np.array([0.7, 0.3])
    with_it = [*signals[:at], SILENT, *signals[at:]]
    plain = learned(signals, questions, None, fixed)
    blend = learned(with_it, [with_silent(own, at) for own in questions], None, np.insert(fixed, at, 0.0))
    assert isinstance(plain, Learned)
    assert isinstance(blend, Learned)
    assert "neumf" not in blend.sources
    assert blend.facts == {**plain.facts, "silent": ["neumf"]}
    assert (blend.signals, blend.weights, blend.knots) == (plain.signals, plain.weights, plain.knots)


def test_a_blend_never_asks_only_signals_that_list_nothing() -> None:
    """No signal knows anything, so each is as good as none."""
    rng = np.random.default_rng(5)
    questions = [with_silent(lesson(k, tuple(rng.integers(0, CANDIDATES, 2))), 0) for k in range(2 * QUESTIONS)]  # type: ignore[arg-type]
    blend = learned([SILENT, A, ELSEWHERE], questions)
    assert isinstance(blend, Learned)
    assert blend.sources
    assert "neumf" not in blend.sources
    assert len(blend.weights) == PER_SIGNAL * len(blend.signals)


def test_an_active_blend_is_kept_without_the_signals_that_list_nothing_any_longer() -> None:
    questions = [with_silent(own, 1) for own in lessons((FIRST, LAST), None)]
    plain = active(5.0, 5.0)
    before = Learned((A, SILENT, B), (*plain.weights[:3], *[(9.0, 9.0, 9.0)] * 3, *plain.weights[3:]))
    blend = learned((A, SILENT, B), questions, before)
    assert isinstance(blend, Learned)
    assert blend.facts["kept"]
    assert (blend.signals, blend.weights) == (plain.signals, plain.weights)
