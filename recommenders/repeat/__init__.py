"""What the user touched and may touch again: the own history by rating, fading with time."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.ranking.columns import Columns
from core.settings import setting
from recommenders.cohort import Cohort
from recommenders.port import Candidates, Floats, Ints, Question
from recommenders.untrained import Untrained
from schemas.event import WEIGHT_SCALE

DAY_MS = 86_400_000


@dataclass(frozen=True)
class RepeatSettings:
    """``weight``: the source's share of a blend. ``half_life_days``: after which a touch is worth half."""

    weight: float = setting(
        0.0, "the source's share of a blend; 0 turns it off", at_least=0,
        why="its items are seen ones: it counts only where those may be listed, and where people return to things",
    )  # fmt: skip
    half_life_days: float = setting(
        30.0, "a touch is worth half after this many days", at_least=0.01, at_most=10_000,
        why="any value from a week to a quarter ranks online-retail alike",
    )  # fmt: skip


@dataclass(frozen=True)
class RepeatScorer:
    """Scores an item of the history by rating · 2^(−days/half-life), days before the touch that came last."""

    settings: RepeatSettings

    def candidates(self, question: Question, most: int) -> Candidates:
        entries = question.history.entries
        if not entries:
            return Candidates()
        rating, time = np.array([(entry.rating, entry.last_time) for entry in entries], np.int64).T
        scores = self._scores(rating, int(time.max()) - time)
        best = np.argsort(-scores, kind="stable")[:most]
        if question.also in question.codes[np.setdiff1d(np.arange(len(scores)), best)]:
            best = np.append(best, np.flatnonzero(question.codes == question.also))
        own = dict(zip(question.codes.tolist(), scores.tolist(), strict=True))

        def reasons(code: int) -> Mapping[int, float]:
            return {code: own[code]} if code in own else {}

        return Candidates(Columns(question.codes[best], scores[best]), reasons)

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        from scipy.sparse import csr_matrix

        fold, shape = cohort.fold, (cohort.fold.users, len(cohort.names))
        newest = np.zeros(fold.users, np.int64)
        np.maximum.at(newest, fold.user, fold.time)
        scores = self._scores(fold.rating, newest[fold.user] - fold.time)
        dense: Floats = csr_matrix((scores, (fold.user, fold.item)), shape=shape)[users].toarray()
        return dense

    def _scores(self, rating: Ints, age_ms: Ints) -> Floats:
        scores: Floats = rating / WEIGHT_SCALE * np.exp2(-age_ms / (self.settings.half_life_days * DAY_MS))
        return scores


# Histories are merged.
RECOMMENDER = Untrained("repeat", RepeatSettings, RepeatScorer)
