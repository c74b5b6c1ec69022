"""Which questions of the past a blend is learned from: those of a walk through the newest part, or of a split."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from adapters.terminal.progress import waiting, watched
from batch_layer.learning.asking import Question, all_on, in_process
from batch_layer.learning.blending import FEWEST_TO_ASK, learned, too_few
from batch_layer.learning.given import NOTHING_SHOWN, Outcome, Shown, answers, outcomes
from batch_layer.learning.lessons import MOST_TAKEN, Asked, Lesson, Walk, context_of, of_split, of_walk
from batch_layer.learning.past import SmallPast
from batch_layer.learning.splits import INCLUDED, Split, is_new
from core.quality import ranking_quality
from core.quality.ranking_quality import TRAIN_SHARE, Floats, Interactions, Ints, Judged, judged
from core.ranking.kernels import compiled
from core.ranking.learned import Blends, Learned, LearnedBlend
from recommenders import recommender
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.opened import model_of
from recommenders.port import Scorer
from recommenders.signals import answers_of, columns_of, fixed_weights, learners_of, open_signals, signals_of
from recommenders.traits import TO_PROVE, TRAITS, traits_of

FIXED = "sources have the weights of their tables: no source is left that a learned blend may ask"
GROWN = 1.1  # times as many events as it was learned from: then a blend is learned again
SHARES = (0.1, 0.15, 0.2, 0.25)  # of the events, that are walked
MOST_QUESTIONS = 1_200
MOST_ANY = 600  # questions of lists that may have seen items
NO_BLENDS = Blends()
USERS_OF_SPLIT = 800
ASKED_ABOUT = 1 / TRAIN_SHARE - 1  # the part that an evaluation asks about, for what there is to learn from
SEED = 42


def from_walk(
    events: Interactions, names: Sequence[bytes], question: Question, before: Blends = NO_BLENDS,
    total: int | None = None, shown: Shown = NOTHING_SHOWN,
) -> Blends:  # fmt: skip
    """Return the blends that the newest part of the events teaches, walked event by event; sentences if that is short.

    Sources learn from what lies before that part.

    Args: names: of the items, by code.      before: the active blends.      total: events of the whole log.
        shown: what answers showed of late.
    """
    walk = walk_of(events)
    if not walk.begin or len(walk.any) < FEWEST_TO_ASK:
        few = too_few(len(walk.any) if walk.begin else 0)
        return Blends(few, few)
    small = SmallPast(events.before(walk.begin), names, report=lambda _: None)
    scorers = _scorers(small, question)
    asked = Asked(*(tuple(scorers[own.name] for own in signals_of(question.learns, again)) for again in (False, True)))
    new, again = of_walk(events, names, question, walk, asked)
    events_of_all, given = total or len(events), answers(shown, walk.begin)
    of_new, of_again = outcomes(events, names, question, walk.begin, given, asked) if given else ([], [])
    blends = (
        _learned(question, new, before.of(False), events_of_all, of_new),
        _learned(replace(question, seen=INCLUDED), again, before.of(True), events_of_all, of_again),
    )
    return Blends(*(_explained(blend, small.left_out) for blend in blends))


def from_splits(splits: Sequence[Split], question: Question) -> Learned | str:
    """Return the blend that the later parts of the splits teach, asked as an evaluation of one asks.

    Users come in a random order, each with the lessons of all splits: later ones judge, and they are as those before.
    Confidence is learned from the two splits whose later parts are nearest in length to the one that is asked about:
    the longer it is, the more of a list is taken.
    """
    seen_again = question.seen_again
    asked = [judged(parts.train, parts.test, USERS_OF_SPLIT, seen_again=seen_again) for parts in splits]
    if (number := sum(min(len(wanted), MOST_TAKEN) for users in asked for wanted in users.wanted)) < FEWEST_TO_ASK:
        return too_few(number)
    near = sorted(splits, key=lambda parts: abs(1 - parts.share - ASKED_ABOUT))[:2]
    lessons, models = list[Lesson](), dict[str, Artefact | None]()
    for parts, users in zip(splits, asked, strict=True):
        lessons += [
            replace(lesson, calibrates=any(parts is own for own in near))
            for lesson in _of(parts, users, question, models)
        ]
    place = np.random.default_rng(SEED).permutation(splits[0].train.users)
    return _learned(question, sorted(lessons, key=lambda own: int(place[own.user])), None, len(splits[-1].train))


def _of(parts: Split, asked: Judged, question: Question, models: dict[str, Artefact | None]) -> Iterator[Lesson]:
    """Yield the lessons of one split; ``models``: those of a split before, begun with and replaced, as by a run."""
    if not len(asked.users):
        return
    cohort = Cohort.of(parts.train, question.rules, shrinkage=question.shrinkage, kernels=compiled())
    small = SmallPast(parts.train, cohort.names, report=lambda _: None, from_scratch=not models)
    known = _scorers(small, question, models)
    scorers = [known[signal.name] for signal in signals_of(question.learns, question.seen_again)]
    yield from of_split(cohort, parts.train, asked, scorers, question.seen_again)


def still_good(blend: Learned, learns: Sequence[str], events: int) -> bool:
    """Return whether a blend may serve another generation: learned from those sources, and from nearly as much."""
    return blend.facts.get("of") == list(learns) and blend.facts["events"] <= events < GROWN * blend.facts["events"]


def both_still_good(blends: Blends, learns: Sequence[str], events: int) -> bool:
    """Return whether what was learned may serve another generation."""
    return bool(blends.learned) and all(still_good(blend, learns, events) for blend in blends.learned)


def shown(blend: Learned | str) -> dict[str, Any]:
    """Return what a report says of a blend: what was found, which signals it asks; or why it has none."""
    if isinstance(blend, str):
        return {"missing": blend, "says": blend}
    return {**blend.facts, "signals": [signal.name for signal in blend.signals], "says": sentence(blend)}


def both_shown(blends: Blends) -> dict[str, Any]:
    """Return what a report says of a generation's blends: that of new items, and the other under ``again``."""
    return {**shown(blends.new), "again": shown(blends.again)}


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
    given = facts.get("answers_given")
    sure = f"; confidence learned from {given:,} items that answers showed" if given else ""
    return f"learned to blend {', '.join(blend.sources)}: {facts['hr@10']:.3f}, {best} ({judged}){kept}{sure}"


def left_out(blends: Blends) -> list[str]:
    """Return a sentence for each source that lists nothing for any of the learned blends."""
    silent = [blend.facts.get("silent", []) for blend in blends.learned]
    why = {name: reason for blend in blends.learned for name, reason in blend.facts.get("why_silent", {}).items()}
    common = [name for name in (silent[0] if silent else []) if all(name in names for names in silent)]
    return [f"{name} is left out of the blend: {why.get(name, 'it lists nothing in any question')}" for name in common]


def _explained(blend: Learned | str, reasons: Mapping[str, str]) -> Learned | str:
    """Return the blend with what is known of why sources are silent; ``reasons``: by recommender."""
    if isinstance(blend, str):
        return blend
    why = {name: reasons[model_of(name)] for name in blend.facts["silent"] if model_of(name) in reasons}
    return replace(blend, facts={**blend.facts, "why_silent": why})


def _learned(
    question: Question, lessons: Sequence[Lesson], before: Learned | None, events: int, given: Sequence[Outcome] = ()
) -> Learned | str:
    signals = signals_of(question.learns, question.seen_again)
    with waiting("fitting the weights of a blend"):
        blend = learned(
            signals, lessons, before, fixed_weights(signals, question.settings), tuple(TRAITS), given, len(TO_PROVE)
        )
    if isinstance(blend, str):
        return blend
    return replace(blend, facts={**blend.facts, "events": events, "of": list(question.learns)})


def _scorers(
    past: SmallPast, question: Question, models: dict[str, Artefact | None] | None = None
) -> dict[str, Scorer]:
    """Return a scorer for each signal by its name, which has learned from the past; ``models``: as of ``_of``."""
    settings, signals = all_on(in_process(question.settings)), signals_of(question.learns, seen_again=True)
    learned_now = fitted_for(question.learns, past, settings, models)
    if models is not None:
        models.update(learned_now)
    opened = open_signals(signals, learned_now, settings)
    return dict(zip((signal.name for signal in signals), opened, strict=True))


def fitted_for(
    sources: Sequence[str], past: SmallPast, settings: Mapping[str, Any],
    before: Mapping[str, Artefact | None] | None = None,
) -> dict[str, Artefact | None]:  # fmt: skip
    """Return what those sources learn: from scratch, or beginning with models of a shorter past."""
    known, names = before or {}, learners_of(sources)
    learning = watched("learning what a blend asks", names, len(names), every=1)
    return {name: recommender(name).fit(past, settings[name], known.get(name)) for name in learning}


def walk_of(events: Interactions) -> Walk:
    """Return which events of the newest part are asked about.

    The part is a tenth of the events, more of a short log, a quarter at most. Of more events than ``MOST_QUESTIONS``
    that take something new, and ``MOST_ANY`` of all, uniform samples are drawn, which share what they can.
    """
    begins = [len(events.split(1 - share)[0]) for share in SHARES]
    new = is_new(events) & (events.weight > 0)
    begin = next((place for place in begins if new[place:].sum() >= MOST_QUESTIONS), begins[-1])
    possible = begin + np.flatnonzero(events.weight[begin:] > 0)
    drawn = np.random.default_rng(SEED).permutation(possible)
    return Walk(begin, np.sort(drawn[new[drawn]][:MOST_QUESTIONS]), np.sort(drawn[:MOST_ANY]))


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
            context, traits = context_of(question, as_of), partial(traits_of, question)
            listed = LearnedBlend(blend, columns, context, excluded, kernels=kernels, traits=traits).totals
            own = listed.codes < len(cohort.names)  # a model may know further items
            out[row, listed.codes[own]] = listed.scores[own]
        return out

    return score
