"""Whether a generation ranks worse than the active one on the same question, so that changed data does not count.

What settings and events reach on a held-out part differs from day to day with the users of that part. So the question
is the active generation's own: its events, cut at its own moment. It is put to the active settings with its events
before the cut, and to the new settings with all events before the cut, those that arrived since among them. Each blend
is learned from the same events by the fit that serves. What is newer than the cut has neither a part in the models nor
a vote (decision 32).
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from batch_layer.learning.asking import Question
from batch_layer.learning.served import blend_of, served
from batch_layer.learning.splits import TIME, split
from core.quality.intervals import interval
from core.quality.ranking_quality import (
    FIT_SHARE,
    TRAIN_SHARE,
    Floats,
    Interactions,
    Judged,
    Mask,
    judged,
    quality,
)
from recommenders import TABLE
from recommenders.opened import asked_for
from schemas.metrics import Paired, Recipe

NEW_SHARE = 0.01  # of the events before the cut: with fewer new ones the same settings make the same model


@dataclass(frozen=True)
class Pair:
    """NDCG@10 of both on the same users, and the 95 % interval of the mean of new - active, None of one user."""

    users: int
    new: float
    active: float
    interval: tuple[float, float] | None

    def shown(self) -> Paired:
        """Return the pair as the generation's metrics keep it."""
        return Paired(self.users, round(self.new, 4), round(self.active, 4), self.interval)


def recipe(question: Question) -> Recipe:
    """Return what decides how a generation ranks besides its events, as its metrics keep it."""
    asked = {*asked_for(question.settings), *question.learns}
    settings = {name: asdict(question.settings[name]) for name in TABLE if name in asked}
    return Recipe(question.shrinkage, settings, question.learns)


def by_recipe(question: Question, kept: Recipe | None) -> Question:
    """Return the question as an earlier generation's recipe would answer it; None: of a version that kept none."""
    if kept is None:
        return question

    def as_then(name: str, now: Any) -> Any:
        before = kept.settings.get(name, {"weight": 0})
        return replace(now, **{name: value for name, value in before.items() if hasattr(now, name)})

    settings = {name: as_then(name, now) for name, now in question.settings.items()}
    return replace(question, settings=settings, shrinkage=kept.shrinkage, learns=kept.learns)


def paired(events: Interactions, known: Mask, new: Question, active: Question) -> Pair | None:
    """Judge both on the active generation's held-out part; None if they are the same or nobody can be judged.

    Args: known: of each event whether the active generation holds it.
    """
    before, after = events.only(known).split(TRAIN_SHARE)
    if not len(after):
        return None
    train = events.before(int(np.searchsorted(events.time, after.time[0], "left")))
    if new == active and len(train) - len(before) <= NEW_SHARE * len(train):
        return None
    asked = judged(before, after, new.users)
    if not len(asked.users):
        return None
    now, then = (_ndcg(part, asked, question) for part, question in ((train, new), (before, active)))
    bounds = interval(now - then)
    return Pair(len(now), float(now.mean()), float(then.mean()), (bounds[0], bounds[1]) if bounds else None)


def _ndcg(part: Interactions, asked: Judged, question: Question) -> Floats:
    """Return each user's NDCG@10 by the blend that serves, learned from that part alone and limited to its items."""
    candidates = np.zeros(part.items, np.bool_)
    candidates[part.item] = True
    own = replace(asked, candidates=candidates)
    blend = blend_of([split(part, TIME, FIT_SHARE)], question)
    return quality(own, served(part, own, question, blend).blend).ndcg
