"""What the user touched and may touch again: by how often, how long ago, and what is popular among it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.ranking.columns import Columns
from core.ranking.decay import HALVINGS
from core.rows.words import LAST_MINUTE, MINUTE_BITS, minute_of, pack_touches
from core.settings import setting
from recommenders.cohort import Cohort
from recommenders.popular import LEAST_HOURS, MOST_HOURS, counts_at
from recommenders.port import Candidates, Floats, Ints, Question, Rated, Sums
from recommenders.untrained import Untrained
from schemas.event import WEIGHT_SCALE

DAY_MINUTES = 1_440
FORGOTTEN = 2.0**-HALVINGS  # what an item of which nothing is counted any more counts as


@dataclass(frozen=True)
class RepeatSettings:
    """``weight``: the source's share of a blend.

    ``half_life_days``: after which an item's touches are worth half, or after ``rhythm`` of its mean gaps, if longer.
    ``popularity``: the power to which the count of everybody's events is taken, which halves with each
    ``half_life_hours``.
    """

    weight: float = setting(
        0.0, "the source's share of a blend; 0 turns it off", at_least=0,
        why="its items are seen ones: it counts only where those may be listed, and where people return to things",
    )  # fmt: skip
    half_life_days: float = setting(
        90.0, "an item's touches are worth half after this many days", at_least=0.01, at_most=10_000,
        why="any value from two months to a year ranks online-retail alike",
    )  # fmt: skip
    rhythm: float = setting(
        2.0, "or after this many of the mean gaps between them, if longer", at_least=0, at_most=1_000,
        why="what is bought once a quarter is not stale after a quarter",
    )  # fmt: skip
    popularity: float = setting(
        0.3, "the power to which everybody's count of the item is taken; 0: it does not matter", at_least=0, at_most=1,
        why="0.1 to 0.5 all rank online-retail better than 0, on its validation part and its test part",
    )  # fmt: skip
    half_life_hours: float = setting(
        168.0, "in it a count is worth half after this many hours", at_least=LEAST_HOURS, at_most=MOST_HOURS,
        why="two days to two weeks rank online-retail alike",
    )  # fmt: skip


@dataclass(frozen=True)
class RepeatScorer:
    """Scores what stands of a user by rating · touches · 2^(−age / half-life) · popularity^power."""

    settings: RepeatSettings

    def candidates(self, question: Question, most: int) -> Candidates:
        codes, ratings, touches = touched(question)
        if not len(codes):
            return Candidates()
        minutes = (touches >> MINUTE_BITS) & LAST_MINUTE
        scores = self._scores(ratings, touches, int(minutes.max()) - minutes) * self._popular(question.sums, codes)
        best = np.argsort(-scores, kind="stable")[:most]
        if (asked := np.flatnonzero(codes == question.also)).size and asked[0] not in best:
            best = np.append(best, asked)

        def reasons(code: int) -> Mapping[int, float]:
            return {code: float(scores[at[0]])} if (at := np.flatnonzero(codes == code)).size else {}

        return Candidates(Columns(codes[best], scores[best]), reasons)

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        from scipy.sparse import csr_matrix

        user, item = cohort.standing.user, cohort.standing.item
        minutes = (cohort.touches >> MINUTE_BITS) & LAST_MINUTE
        newest = np.zeros(cohort.fold.users, np.int64)
        np.maximum.at(newest, user, minutes)
        scores = self._scores(cohort.standing.rating, cohort.touches, newest[user] - minutes)
        scores = scores * self._popular(cohort, np.arange(len(cohort.names)))[item]
        shape = (cohort.fold.users, len(cohort.names))
        dense: Floats = csr_matrix((scores, (user, item)), shape=shape)[users].toarray()
        return dense

    def _scores(self, ratings: Ints, touches: Ints, age: Ints) -> Floats:
        """Return the scores but for popularity; ``age``: minutes before the user's last touch."""
        number, first = touches >> 2 * MINUTE_BITS, touches & LAST_MINUTE
        gap = ((touches >> MINUTE_BITS & LAST_MINUTE) - first) / np.maximum(number - 1, 1)
        half_life = np.maximum(self.settings.half_life_days * DAY_MINUTES, self.settings.rhythm * gap)
        scores: Floats = ratings / WEIGHT_SCALE * number * np.exp2(-age / half_life)
        return scores

    def _popular(self, sums: Sums, codes: Ints) -> Floats:
        if not self.settings.popularity:
            return np.ones(len(codes))
        (counts,) = counts_at(sums, codes, [self.settings.half_life_hours])
        worth: Floats = (counts + FORGOTTEN) ** self.settings.popularity
        return worth


def touched(question: Question) -> Rated:
    """Return what stands of the user with its touches; of a history that stands nowhere, a touch of each entry."""
    if len(question.standing.touches):
        return question.standing
    entries = question.history.entries
    said = [(entry.rating, pack_touches(1, minute := minute_of(entry.last_time), minute)) for entry in entries]
    ratings, touches = np.array(said, np.int64).reshape(-1, 2).T
    return Rated(question.codes, ratings, touches)


# What stands of a user is merged, and so is what is popular.
RECOMMENDER = Untrained("repeat", RepeatSettings, RepeatScorer)
