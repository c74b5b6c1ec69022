"""Learning a blend: fit on the earlier questions, judge on the later ones, drop what does not pay."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from batch_layer.learning.fits import Fits, Weighed, columns
from batch_layer.learning.given import Outcome
from batch_layer.learning.lessons import NO_ITEM, Lesson
from batch_layer.learning.rivals import by_question, rival_of
from core.quality.calibration import calibrated_by_user
from core.quality.intervals import difference
from core.quality.ranking_quality import LIST
from core.ranking.blend import Knots
from core.ranking.columns import Floats
from core.ranking.features import PER_SIGNAL
from core.ranking.learned import CONTEXTS, Learned, Signal
from recommenders.signals import learners_of

FIT_SHARE = 0.7  # of the questions, the earlier ones
FEWEST_TO_ASK = 10  # answered questions: fewer say nothing
FEWEST_TO_CHOOSE = 100  # later answered questions, from which on they choose how strongly a fit is drawn
FEWEST_TO_JUDGE = 200  # and from which on a source may be left out
FEWEST_GIVEN = 1_000  # recommendations that people saw: from which on confidence is learned from these
PARTS = 4  # of the questions: confidence is learned of each with what the others teach
SURE_BY = 2  # contexts: how much is known of the user; how long ago the last touch is adds nothing on public sets
GAIN = 0.002  # of a later question's log-likelihood that a source must be worth to be asked


def learned(
    signals: Sequence[Signal],
    lessons: Sequence[Lesson],
    before: Learned | None = None,
    fixed: Floats | None = None,
    traits: Sequence[str] = (),
    given: Sequence[Outcome] = (),
    to_prove: int = 0,
) -> Learned | str:
    """Return what the lessons, in order of time, teach of the signals' weights; a sentence where they are too few.

    The weights are those of the active generation's blend (``before``) where these rank the later questions better,
    and those of the best single signal where that leads by more than luck. Signals that list nothing in any question
    are not asked; sources of nothing else are among the facts, as ``silent``.

    Args: fixed: the weight of each signal in the blend that the fit is drawn to, the more the less there is to learn
        from; None: all are 0.      traits: the names of those whose columns follow the signals'.
        given: answers that people have seen, from which confidence is learned where there are enough.
        to_prove: how many of the last traits are asked only if the later questions are predicted better with them, by
        more than the interval.
    """
    cut = int(FIT_SHARE * len(lessons))
    later = lessons[cut:]
    answered = [sum(lesson.teaches for lesson in part) for part in (lessons[:cut], later)]
    if sum(answered) < FEWEST_TO_ASK or not all(answered):
        return too_few(sum(answered))
    speaking = tuple(np.flatnonzero(np.any([lesson.speaking for lesson in lessons], axis=0)).tolist())
    towards = np.zeros(len(signals)) if fixed is None else fixed
    fits = Fits.of(lessons, answered[0], towards, speaking, to_prove)
    if to_prove and answered[1] >= FEWEST_TO_JUDGE:
        more = Fits.of(lessons, answered[0], towards, speaking)
        bounds = difference(fits.losses(), more.losses(), np.array([own.user for own in later if own.teaches]))[1]
        fits = more if bounds and bounds[0] > 0 else fits
    trial = _worth_asking(signals, fits)
    users = by_question(np.array([lesson.user for lesson in later]), later).astype(np.int64)
    hits = _hits(trial, later)
    rival = rival_of(lessons, cut, speaking, hits, users)
    facts: dict[str, Any] = {
        "questions": len(lessons), "judged": len(later), "hr@10": round(float(hits.mean()), 4),
        "best_source": signals[rival.signal].name, "best_source_hr@10": round(float(rival.hits.mean()), 4),
    }  # fmt: skip
    asked = {signals[k].source for k in speaking}
    facts["silent"] = list(dict.fromkeys(own.source for own in signals if own.source not in asked))
    facts["difference"], facts["difference 95 %"] = rival.difference, rival.bounds
    if rival.leads:
        final = trial = _alone(rival.signal, len(signals), len(traits))
        facts["gives_way"] = True
    else:
        final = fits.on_all(trial)
    if old := _carried_over(signals, before, traits, speaking):
        theirs = _hits(old, later)
        gap, bounds = difference(_hits(trial, later), theirs, users)
        facts |= {"active_hr@10": round(float(theirs.mean()), 4), "lead": gap, "lead 95 %": bounds}
        if bounds and bounds[1] < 0:
            final = trial = old
            facts["kept"] = True
    said, taken, contexts = _of_answers(trial, given)
    if len(said) >= FEWEST_GIVEN and taken.sum() >= FEWEST_TO_ASK:
        facts["answers_given"] = len(said)
    else:
        parts = _parts(lessons)
        fit_of_others = [trial] * len(parts) if {"gives_way", "kept"} & facts.keys() else _crossed(fits, trial, parts)
        of_parts = [_outcomes(own, part) for own, part in zip(fit_of_others, parts, strict=True)]
        said, taken, contexts = (np.concatenate(values) for values in zip(*of_parts, strict=True))
    return _stored(final, signals, traits, calibrated_by_user(said, taken, contexts[:, :SURE_BY]), facts)


def _stored(
    final: Weighed, signals: Sequence[Signal], traits: Sequence[str], confidence: tuple[Knots, tuple[float, ...]],
    facts: dict[str, Any],
) -> Learned:  # fmt: skip
    """Return those weights as a generation stores them: without traits of no weight, which answers need not know."""
    of_signals = PER_SIGNAL * len(final.signals)
    kept = [k for k, row in enumerate(final.weights) if k < of_signals or row.any()]
    names = tuple(traits[k - of_signals] for k in kept if k >= of_signals)
    weights = tuple(tuple(row) for row in final.weights[kept].tolist())
    knots, sure = confidence
    return Learned(tuple(signals[k] for k in final.signals), weights, knots, facts, names, sure)


def too_few(answered: int) -> str:
    """Return why nothing was learned."""
    return (
        f"sources keep the weights of their tables: in the newest part {answered:,} events took something that a "
        f"source had listed among others, and learning a blend needs {FEWEST_TO_ASK:,}"
    )


def _worth_asking(signals: Sequence[Signal], fits: Fits) -> Weighed:
    """Return the earlier questions' fit over the sources without which the later ones would be predicted worse.

    Sources that must be trained cost most and are left out first. Few later questions leave none out.
    """
    later = len(fits.choices) - fits.cut
    if later < FEWEST_TO_CHOOSE:
        return fits.cautious()
    best, least = fits.with_ridge()
    if later < FEWEST_TO_JUDGE:
        return best
    sources = list(dict.fromkeys(signal.source for signal in signals))[::-1]
    for source in sorted(sources, key=lambda name: not learners_of([name])):
        others = tuple(k for k in best.signals if signals[k].source != source)
        if not others:
            break
        if others == best.signals:
            continue
        trial, loss = fits.without(best, others)
        if loss <= least + GAIN:
            best, least = trial, min(loss, least)
    return best


def _hits(weighed: Weighed, lessons: Sequence[Lesson]) -> Floats:
    """Return the share of what was taken from each list that is among its first ten."""
    hits = [_place(weighed.scores(lesson), lesson.taken) < LIST for lesson in lessons]
    return by_question(np.array(hits, np.float64), lessons)


def _place(scores: Floats, taken: int) -> int:
    if taken == NO_ITEM:
        return LIST
    return int((scores > scores[taken]).sum() + (scores[:taken] == scores[taken]).sum())


def _parts(lessons: Sequence[Lesson]) -> list[Sequence[Lesson]]:
    """Return the lessons in parts of about equal length, in their order."""
    bounds = [len(lessons) * k // PARTS for k in range(PARTS + 1)]
    return [lessons[first:end] for first, end in pairwise(bounds)]


def _crossed(fits: Fits, trial: Weighed, parts: Sequence[Sequence[Lesson]]) -> list[Weighed]:
    """Return for each part what the others teach over the signals of ``trial``."""
    ends = np.cumsum([sum(lesson.teaches for lesson in part) for part in parts]).tolist()
    return list(fits.crossed(trial, list(pairwise([0, *ends]))))


def _outcomes(weighed: Weighed, lessons: Sequence[Lesson]) -> tuple[Floats, Floats, Floats]:
    """Return the score of each of the first ten of every list that calibrates, 1 where the user took it, and contexts.

    A context is that of the user of each.
    """
    scores, hits, contexts = list[float](), list[bool](), list[Floats]()
    for before, lesson in zip([None, *lessons], lessons, strict=False):
        if not lesson.calibrates or lesson.every is None or (before is not None and before.every is lesson.every):
            continue  # of a list that spoke already
        places, own = weighed.listed(lesson.every, lesson.context, LIST)
        scores += own.tolist()
        hits += np.isin(places, lesson.all_taken).tolist()
        contexts += [lesson.context] * len(places)
    return np.array(scores), np.array(hits, np.float64), np.reshape(contexts, (-1, CONTEXTS))


def _of_answers(weighed: Weighed, given: Sequence[Outcome]) -> tuple[Floats, Floats, Floats]:
    """Return the same of answers that people have seen: of what would be among the first ten and was shown."""
    scores, hits, contexts = list[float](), list[bool](), list[Floats]()
    for outcome in given:
        places, own = weighed.listed(outcome.every, outcome.context, LIST)
        shown = np.isin(places, outcome.shown)
        scores += own[shown].tolist()
        hits += np.isin(places[shown], outcome.shown[outcome.taken]).tolist()
        contexts += [outcome.context] * int(shown.sum())
    return np.array(scores), np.array(hits, np.float64), np.reshape(contexts, (-1, CONTEXTS))


def _alone(signal: int, of: int, traits: int) -> Weighed:
    """Return weights that rank as that signal does."""
    weights = np.zeros((PER_SIGNAL + traits, CONTEXTS))
    weights[:PER_SIGNAL, 0] = 1.0, 3.0, 0.0
    return Weighed((signal,), weights, of)


def _carried_over(
    signals: Sequence[Signal], before: Learned | None, traits: Sequence[str], speaking: Sequence[int]
) -> Weighed | None:
    """Return the active blend over these signals and traits; None where it needs others or there is none.

    A blend of an earlier version gives the traits that it does not know no weight. Signals of it that list nothing any
    longer are not asked.
    """
    if before is None or any(signal not in signals for signal in before.signals):
        return None
    if any(name not in traits for name in before.traits):
        return None
    places, own = tuple(map(list(signals).index, before.signals)), np.array(before.weights).reshape(-1, CONTEXTS)
    weights = np.zeros((before.of_signals + len(traits), CONTEXTS))
    weights[: before.of_signals] = own[: before.of_signals]
    for name, row in zip(before.traits, own[before.of_signals :], strict=True):
        weights[before.of_signals + list(traits).index(name)] = row
    kept = [at for at, place in enumerate(places) if place in speaking]
    own_columns = columns(kept, len(places), len(weights))
    return Weighed(tuple(places[at] for at in kept), weights[own_columns], len(signals)) if kept else None
