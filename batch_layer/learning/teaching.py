"""Which questions of the past a blend is learned from: those of a walk through the newest part, or of a split."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from batch_layer.learning.asking import Question, all_on, in_process
from batch_layer.learning.blending import FEWEST_TO_ASK, learned, too_few
from batch_layer.learning.lessons import MOST_TAKEN, Lesson, context_of, of_split, of_walk
from batch_layer.learning.past import SmallPast
from batch_layer.learning.splits import Split, is_new
from core.quality import ranking_quality
from core.quality.ranking_quality import Floats, Interactions, Ints, judged
from core.ranking.kernels import compiled
from core.ranking.learned import Learned, LearnedBlend
from recommenders import recommender
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.port import Scorer
from recommenders.signals import answers_of, columns_of, learners_of, open_signals, signals_of

FIXED = "sources have the weights of their tables: no source is left that a learned blend may ask"
GROWN = 1.1  # times as many events as it was learned from: then a blend is learned again
SHARES = (0.1, 0.15, 0.2, 0.25)  # of the events, that are walked
MOST_QUESTIONS = 2_000
USERS_OF_SPLIT = 800
SEED = 42


def from_walk(
    events: Interactions, names: Sequence[bytes], question: Question, before: Learned | None, total: int | None = None
) -> Learned | str:
    """Return the blend that the newest part of the events teaches, walked event by event; a sentence if that is short.

    Sources learn from what lies before that part.

    Args: names: of the items, by code.      before: the active blend.      total: events of the whole log.
    """
    begin = begin_of(events, question.seen_again)
    asked = questions(events, begin, question.seen_again)
    if not begin or len(asked) < FEWEST_TO_ASK:
        return too_few(len(asked) if begin else 0)
    scorers = _scorers(events.before(begin), names, question)
    lessons = list(of_walk(events, names, question, begin, asked, scorers))
    return _learned(question, lessons, before, total or len(events))


def from_split(parts: Split, question: Question) -> Learned | str:
    """Return the blend that the later part of a split teaches, asked as an evaluation of it asks."""
    asked = judged(parts.train, parts.test, USERS_OF_SPLIT, seen_again=question.seen_again)
    if (number := sum(min(len(wanted), MOST_TAKEN) for wanted in asked.wanted)) < FEWEST_TO_ASK:
        return too_few(number)
    cohort = Cohort.of(parts.train, question.rules, shrinkage=question.shrinkage)
    scorers = _scorers(parts.train, cohort.names, question)
    lessons = list(of_split(cohort, parts.train, asked, scorers, question.seen_again))
    return _learned(question, lessons, None, len(parts.train))


def still_good(blend: Learned, learns: Sequence[str], events: int) -> bool:
    """Return whether a blend may serve another generation: learned from those sources, and from nearly as much."""
    return blend.facts.get("of") == list(learns) and blend.facts["events"] <= events < GROWN * blend.facts["events"]


def shown(blend: Learned | str) -> dict[str, Any]:
    """Return what a report says of a blend: what was found, which signals it asks; or why it has none."""
    if isinstance(blend, str):
        return {"missing": blend, "says": blend}
    return {**blend.facts, "signals": [signal.name for signal in blend.signals], "says": sentence(blend)}


def sentence(blend: Learned | str) -> str:
    """Return what a run says of its blend."""
    if isinstance(blend, str):
        return blend
    facts = blend.facts
    best = f"{facts['best_source']} alone {facts['best_source_hr@10']:.3f}"
    judged = f"hits among ten of {facts['judged']:,} later events"
    if facts.get("gives_way"):
        return f"the learned blend ({facts['hr@10']:.3f}) gives way to {best}: {judged}"
    kept = "; that of the active generation was better and is kept" if facts.get("kept") else ""
    return f"learned to blend {', '.join(blend.sources)}: {facts['hr@10']:.3f}, {best} ({judged}){kept}"


def _learned(question: Question, lessons: Sequence[Lesson], before: Learned | None, events: int) -> Learned | str:
    blend = learned(signals_of(question.learns), lessons, before)
    if isinstance(blend, str):
        return blend
    return replace(blend, facts={**blend.facts, "events": events, "of": list(question.learns)})


def _scorers(past: Interactions, names: Sequence[bytes], question: Question) -> list[Scorer]:
    settings = all_on(in_process(question.settings))
    return open_signals(signals_of(question.learns), fitted_for(question.learns, past, names, settings), settings)


def fitted_for(
    sources: Sequence[str], past: Interactions, names: Sequence[bytes], settings: Mapping[str, Any]
) -> dict[str, Artefact | None]:
    """Return what those sources learn from the past, from scratch."""
    small = SmallPast(past, names, report=lambda _: None)
    return {name: recommender(name).fit(small, settings[name], None) for name in learners_of(sources)}


def begin_of(events: Interactions, seen_again: bool) -> int:
    """Return where the newest part begins: a tenth of the events, more of a short log, a quarter at most."""
    begins = [len(events.split(1 - share)[0]) for share in SHARES]
    enough = (begin for begin in begins if len(questions(events, begin, seen_again)) >= MOST_QUESTIONS)
    return next(enough, begins[-1])


def questions(events: Interactions, begin: int, seen_again: bool) -> Ints:
    """Return the events from ``begin`` on whose users touch something new, or any item where seen ones count.

    A uniform sample, if there are more than ``MOST_QUESTIONS``.
    """
    possible = (events.weight > 0) & (np.arange(len(events)) >= begin)
    if not seen_again:
        possible &= is_new(events)
    asked = np.flatnonzero(possible)
    if len(asked) > MOST_QUESTIONS:
        asked = np.sort(np.random.default_rng(SEED).choice(asked, MOST_QUESTIONS, replace=False))
    return asked


def ranked_by(
    blend: Learned, scorers: Sequence[Scorer], cohort: Cohort, as_of: int, seen_again: bool
) -> ranking_quality.Scorer:
    """Return the scores of a learned blend, user by user, as serving computes them; 0 for what it does not list."""
    kernels = compiled()

    def score(users: Ints) -> Floats:
        out = np.zeros((len(users), len(cohort.names)))
        for row, user in enumerate(users.tolist()):
            question = cohort.question(user)
            excluded = np.zeros(0, np.int64) if seen_again else question.standing.codes
            columns = columns_of(answers_of(scorers, question, len(excluded)))
            listed = LearnedBlend(blend, columns, context_of(question, as_of), excluded, kernels=kernels).totals
            own = listed.codes < len(cohort.names)  # a model may know further items
            out[row, listed.codes[own]] = listed.scores[own]
        return out

    return score
