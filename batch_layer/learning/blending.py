"""Learning a blend: fit on the earlier questions, judge on the later ones, drop what does not pay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from batch_layer.learning.lessons import NO_ITEM, Lesson
from core.quality.calibration import calibrated_choice
from core.quality.intervals import difference
from core.quality.ranking_quality import LIST
from core.ranking.choice import Choices, fitted
from core.ranking.columns import Floats, Ints
from core.ranking.features import PER_SIGNAL
from core.ranking.learned import CONTEXTS, Learned, Signal, shares_of_choice
from recommenders.signals import learners_of

FIT_SHARE = 0.7  # of the questions, the earlier ones
FEWEST = 80  # answered questions to fit by, and half as many to judge by: fewer say nothing
FEWEST_TO_ASK = FEWEST + FEWEST // 2
GAIN = 0.002  # of a later question's log-likelihood that a source must be worth to be asked


@dataclass(frozen=True)
class Weighed:
    """Weights over the features of some of the signals, by number."""

    signals: tuple[int, ...]
    weights: Floats

    def scores(self, lesson: Lesson) -> Floats:
        """Return the score of each candidate that was kept."""
        per_feature = self.weights.reshape(-1, CONTEXTS) @ lesson.context
        return shares_of_choice(lesson.rows[:, columns(self.signals)].astype(np.float64) @ per_feature)


def columns(signals: Sequence[int]) -> Ints:
    """Return the columns of those signals' features."""
    return np.array([PER_SIGNAL * signal + k for signal in signals for k in range(PER_SIGNAL)], np.int64)


def learned(signals: Sequence[Signal], lessons: Sequence[Lesson], before: Learned | None = None) -> Learned | str:
    """Return what the lessons, in order of time, teach of the signals' weights; a sentence where they are too few.

    The weights are those of the active generation's blend (``before``) where these rank the later questions better,
    and those of the best single signal where no blend is better than that.
    """
    cut = int(FIT_SHARE * len(lessons))
    earlier, later = lessons[:cut], lessons[cut:]
    answered = [sum(lesson.teaches for lesson in part) for part in (earlier, later)]
    if answered[0] < FEWEST or answered[1] < FEWEST // 2:
        return too_few(sum(answered))
    chosen = _worth_asking(signals, earlier, later)
    trial = Weighed(chosen, _fit(earlier, chosen))
    users = np.array([lesson.user for lesson in later])
    hits = {"blend": _hits(trial, later)}
    alone = _best_alone(signals, lessons)
    single = np.array([lesson.hits[alone] for lesson in later], np.float64)
    facts: dict[str, Any] = {
        "questions": len(lessons), "judged": len(later), "hr@10": round(float(hits["blend"].mean()), 4),
        "best_source": signals[alone].name, "best_source_hr@10": round(float(single.mean()), 4),
    }  # fmt: skip
    facts["difference"], facts["difference 95 %"] = difference(hits["blend"], single, users)
    if facts["difference"] < 0:
        final = trial = _alone(alone)
        facts["gives_way"] = True
    else:
        final = Weighed(chosen, _fit(lessons, chosen))
    if old := _carried_over(signals, before):
        theirs = _hits(old, later)
        gap, bounds = difference(_hits(trial, later), theirs, users)
        facts |= {"active_hr@10": round(float(theirs.mean()), 4), "lead": gap, "lead 95 %": bounds}
        if bounds[1] < 0:
            final = trial = old
            facts["kept"] = True
    knots = calibrated_choice(*_outcomes(trial, later))
    weights = tuple(tuple(row) for row in final.weights.reshape(-1, CONTEXTS).tolist())
    return Learned(tuple(signals[k] for k in final.signals), weights, knots, facts)


def too_few(answered: int) -> str:
    """Return why nothing was learned."""
    return (
        f"sources keep the weights of their tables: in the newest part {answered:,} events took something new that a "
        f"source had listed among others, and learning a blend needs {FEWEST_TO_ASK:,}"
    )


def _fit(lessons: Sequence[Lesson], signals: tuple[int, ...]) -> Floats:
    own = columns(signals)
    questions = []
    for lesson in lessons:
        if lesson.teaches:
            rows = lesson.rows[:, own, None] * lesson.context.astype(np.float32)
            questions.append((rows.reshape(len(rows), -1), lesson.taken, lesson.weight))
    return fitted(Choices.of(questions))


def _loss(weighed: Weighed, lessons: Sequence[Lesson]) -> float:
    """Return the mean negative log-likelihood of what was taken."""
    answered = [lesson for lesson in lessons if lesson.teaches]
    losses = [-np.log(max(weighed.scores(lesson)[lesson.taken], 1e-12)) for lesson in answered]
    return float(np.average(losses, weights=[lesson.weight for lesson in answered]))


def _worth_asking(signals: Sequence[Signal], earlier: Sequence[Lesson], later: Sequence[Lesson]) -> tuple[int, ...]:
    """Return the signals of the sources without which the later questions would be predicted worse.

    Sources that must be trained cost most and are left out first.
    """
    chosen = tuple(range(len(signals)))
    least = _loss(Weighed(chosen, _fit(earlier, chosen)), later)
    sources = list(dict.fromkeys(signal.source for signal in signals))[::-1]
    for source in sorted(sources, key=lambda name: not learners_of([name])):
        others = tuple(k for k in chosen if signals[k].source != source)
        if not others:
            break
        loss = _loss(Weighed(others, _fit(earlier, others)), later)
        if loss <= least + GAIN:
            chosen, least = others, min(loss, least)
    return chosen


def _hits(weighed: Weighed, lessons: Sequence[Lesson]) -> Floats:
    """Return 1 for each question whose item is among the first ten."""
    return np.array([_place(weighed.scores(lesson), lesson.taken) < LIST for lesson in lessons], np.float64)


def _place(scores: Floats, taken: int) -> int:
    if taken == NO_ITEM:
        return LIST
    return int((scores > scores[taken]).sum() + (scores[:taken] == scores[taken]).sum())


def _outcomes(weighed: Weighed, lessons: Sequence[Lesson]) -> tuple[Floats, Floats]:
    """Return the score of each of the first ten of every question, and 1 where it was taken."""
    scores, hits = list[float](), list[bool]()
    for lesson in lessons:
        own = weighed.scores(lesson)
        first = np.argsort(-own, kind="stable")[:LIST]
        scores += own[first].tolist()
        hits += (first == lesson.taken).tolist()
    return np.array(scores), np.array(hits, np.float64)


def _best_alone(signals: Sequence[Signal], lessons: Sequence[Lesson]) -> int:
    """Return the signal that alone has most of what was taken among its first ten."""
    return int(np.array([lesson.hits for lesson in lessons]).mean(axis=0).argmax())


def _alone(signal: int) -> Weighed:
    """Return weights that rank as that signal does."""
    weights = np.zeros((PER_SIGNAL, CONTEXTS))
    weights[:, 0] = 1.0, 3.0, 0.0
    return Weighed((signal,), weights.ravel())


def _carried_over(signals: Sequence[Signal], before: Learned | None) -> Weighed | None:
    """Return the active blend over these signals; None where it needs others or there is none."""
    if before is None or any(signal not in signals for signal in before.signals):
        return None
    return Weighed(tuple(map(list(signals).index, before.signals)), np.array(before.weights).ravel())
